const ports = [8080, 8081]

export default async () => ({
  listeners: ports,
  sites: { '*': ports.map((port) => ({ match: `/${port}/*`, redirect: `http://{host}:${port}/$1` })) },
})
