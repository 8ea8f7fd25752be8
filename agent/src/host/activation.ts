/** Socket activation, sd_listen_fds(3): listening sockets that systemd opened for us. */

const FIRST_FD = 3;
/** More than any unit of ours asks for; a wild number in the environment must not make us guess at descriptors. */
const LISTEN_FDS_MAX = 16;

/**
 * Descriptors handed over by the service manager, in the order of the socket
 * unit; none if we were started in any other way. Use with `server.listen({ fd })`.
 * The variables are removed, so that no child takes the sockets for its own.
 */
export function listenFds(env: NodeJS.ProcessEnv = process.env): number[] {
  const count = Number(env['LISTEN_FDS'] ?? '0');
  const isForUs = Number(env['LISTEN_PID'] ?? '-1') === process.pid;
  for (const name of ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES']) delete env[name];
  if (!isForUs || !Number.isInteger(count) || count < 1 || count > LISTEN_FDS_MAX) return [];
  return Array.from({ length: count }, (_, index) => FIRST_FD + index);
}
