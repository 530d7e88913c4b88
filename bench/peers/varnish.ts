/**
 * Varnish passing everything, which is not what it is built for (the table says 'pass'), and Varnish at its own job,
 * with its store in memory.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '../../test/programs.ts'
import type { Command } from '../processes.ts'
import { askVersion, missingProgram, type Peer, type PeerSetup } from './peer.ts'

function passing(setup: PeerSetup): string {
  return `
vcl 4.1;
import std;
backend origin { .host = "127.0.0.1"; .port = "${setup.originPort}"; }
sub vcl_recv {
  set req.http.X-Forwarded-Host = req.http.Host;
  set req.http.X-Forwarded-Proto = "http";
  set req.http.X-Request-Id = req.xid;
  set req.http.Via = "1.1 varnish";
  return (pass);
}
sub vcl_deliver {
  unset resp.http.Server;
  unset resp.http.X-Powered-By;
}
`
}

function keeping(setup: PeerSetup): string {
  return `
vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "${setup.originPort}"; }
`
}

function varnishWith(name: string, config: (setup: PeerSetup) => string): Peer {
  return {
    name,
    family: 'varnish',
    logs: false,
    missing: () => missingProgram('varnishd'),
    version: () => askVersion('varnishd', '-V', /varnish-(\S+)/),
    command(setup): Command {
      const path = join(setup.folder, 'default.vcl')
      writeFileSync(path, config(setup))
      const listen = `127.0.0.1:${setup.port}`
      const store = ['-s', 'malloc,256m', '-p', 'listen_depth=4096']
      const args = ['-F', '-a', listen, '-f', path, '-n', join(setup.folder, 'var'), '-j', 'none', ...store]
      return { program: findProgram('varnishd'), args }
    },
  }
}

export const varnish: Peer = varnishWith('varnish (pass)', passing)

export const varnishCache: Peer = varnishWith('varnish (cache)', keeping)
