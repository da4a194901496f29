/** The capture cannot do what was asked; the message says what failed, on what, and the kernel's reason. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

/** A view was used after the callback that it was handed to had returned. */
export class ExpiredViewError extends Error {
  override readonly name = "ExpiredViewError";
  constructor() {
    super("this event view is valid only during the callback that received it; copy what you keep");
  }
}
