/** Why a volume cannot be provided now; the message follows `MountVolume.SetUp failed for volume "x" : `. */
export class VolumeError extends Error {
  override readonly name = "VolumeError";
  readonly volume: string;

  constructor(volume: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.volume = volume;
  }
}
