/** Why a message is not forwarded: the status to answer a client with, and the reason in words. */
export class MessageFault {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string) {
    this.status = status;
    this.reason = reason;
  }
}

export function invalidMessage(reason: string): MessageFault {
  return new MessageFault(400, reason);
}
