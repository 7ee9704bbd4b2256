// All in seconds. The answer of a pod has no limit: how long it may take is between the client and the pod.

/** For a client to send a whole request head, from its first byte. */
export const headSeconds = 30;
/** For a client that keeps its connection without a request. */
export const idleSeconds = 120;
/** For a pod to accept a connection. */
export const connectSeconds = 5;
/** For pods that all refuse connections to begin to listen. */
export const refusedSeconds = 3;
/** For a client to read the last answer and close. */
export const lingerSeconds = 5;
/** For a client that has just connected to say something, when its connection is to come to an end. */
export const firstWordSeconds = 1;
/** A client that says nothing for so long may be waiting for the server to speak first. */
export const silenceSeconds = 0.3;
/** The same for one that has sent the first letters of an HTTP method. */
export const hesitationSeconds = 5;
