/**
 * Calls back when a byte arrives on a stream socket given by its file descriptor, which it takes over.
 *
 * `Bun.connect({ fd })` does this at the least cost of all ways measured, but its types do not list the overload, so it
 * stays behind this one function.
 */
export interface Wake {
  /** Stops listening and closes the descriptor. */
  close(): void;
}

type ConnectFd = (options: { fd: number; socket: { data(): void; error(): void } }) => Promise<{ end(): void }>;

export async function listenForWake(fd: number, onWake: () => void): Promise<Wake> {
  const connect = Bun.connect as unknown as ConnectFd;
  const socket = await connect({ fd, socket: { data: onWake, error() {} } });
  return { close: () => socket.end() };
}
