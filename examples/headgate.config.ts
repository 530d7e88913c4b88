/**
 * A site on two app servers and a media server, in TypeScript: the editor completes keys and marks mistakes.
 * Try it: headgate check headgate.config.ts
 */
import { defineConfig } from 'headgate'

const day = 24 * 3600

export default defineConfig({
  listeners: [80],
  origins: {
    app: {
      servers: ['http://10.0.0.11:3000', { url: 'http://10.0.0.12:3000', weight: 2 }],
      balance: 'least-requests',
      timeouts: { firstByte: '30s' },
    },
    media: 'http://media.internal:8080',
  },
  sites: {
    'example.com': { redirect: { to: 'http://www.example.com{uri}', status: 308 } },
    'www.example.com': [
      // '/old/a?b=c' goes to '/new/a?b=c'.
      { match: '/old/*', redirect: '/new/$1' },
      {
        match: { path: '/img/*', method: 'GET' },
        headers: { response: { set: { 'Cache-Control': `public, max-age=${day}` } } },
        origin: 'media',
      },
      // No match: everything else. WebSocket works through every route.
      { origin: 'app' },
    ],
    '*': { respond: 404 },
  },
})
