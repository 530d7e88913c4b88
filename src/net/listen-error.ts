/**
 * Says in a sentence, with a remedy, why listening failed: for many people it is the first thing they see of
 * Headgate.
 */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { TransportAddress } from './transport.ts'

export class ListenError extends Error {
  /** The system's name of it: 'EADDRINUSE', 'EACCES', … */
  readonly code: string

  constructor(code: string, address: TransportAddress) {
    super(sentence(code, address))
    this.name = 'ListenError'
    this.code = code
  }
}

function sentence(code: string, { host, port, path }: TransportAddress): string {
  const where = path !== '' ? `unix:${path}` : host === '' ? `port ${port}` : `${bracketed(host)}:${port}`
  switch (code) {
    case 'EADDRINUSE':
      return path !== ''
        ? `Another program answers on ${where}: stop it, or choose another path.`
        : `${capital(where)} is in use by another program: stop it (ss -ltnp sport = :${port} names it), or choose another port.`
    case 'EACCES':
    case 'EPERM':
      // Node says EACCES of a folder that does not exist, too.
      if (path !== '' && !existsSync(dirname(path))) return sentence('ENOENT', { host, port, path })
      return path !== ''
        ? `${capital(where)} cannot be made: this user may not write to the folder.`
        : `${capital(where)} needs CAP_NET_BIND_SERVICE (setcap cap_net_bind_service=+ep $(readlink -f $(which node))), or ` +
            `sysctl net.ipv4.ip_unprivileged_port_start=${port}, or choose a port from 1024 on.`
    case 'EADDRNOTAVAIL':
      return `${capital(where)}: this machine has no such address; ip address shows those it has.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${capital(where)}: the name cannot be resolved; write an address of this machine.`
    case 'EAFNOSUPPORT':
      return `${capital(where)}: this machine does not speak that address family (is IPv6 off?).`
    case 'ENOENT':
    case 'ENOTDIR':
      return `${capital(where)} cannot be made: its folder does not exist; make it (mkdir -p ${dirname(path)}).`
    case 'EEXIST':
      return `${capital(where)} exists already and is no socket: it is left alone; remove it, or choose another path.`
    case 'ENAMETOOLONG':
    case 'EINVAL':
      return path !== ''
        ? `${capital(where)}: the path of a unix socket has at most 107 bytes.`
        : `${capital(where)} is not an address to listen on.`
    default:
      return `${capital(where)} cannot be listened on (${code}).`
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/** Names and paths stay as they are. */
function capital(where: string): string {
  return where.replace(/^port /, 'Port ')
}
