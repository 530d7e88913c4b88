/**
 * The main job with real programs: `headgate proxy` in front of nginx and of Apache, asked by curl, wrk, Chromium and
 * raw sockets.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { text } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { Browser } from '../browser.ts'
import { findProgram, needs } from '../programs.ts'
import { curl, curlWith } from './curl.ts'
import { HeadgateProcess } from './headgate-process.ts'
import { talk } from './recorder.ts'
import { WebServer } from './web-servers.ts'

const longText = Array.from({ length: 3000 }, (_, i) => `line ${i} of a text that packs well\n`).join('')
const binary = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8) * 7) & 255))

const page = `<!doctype html><link rel=icon href=data:,><title>through</title><link rel=stylesheet href=style.css>
<p id=greeting>hello</p><img id=picture src=picture.svg><p id=said></p><script type=module src=script.js></script>`
const script = `import { word } from './module.js'
const data = await (await fetch('data.json')).json()
const echoed = await (await fetch('missing')).status
document.querySelector('#said').textContent = [word, data.number, echoed].join(' ')`

function fillRoot(server: WebServer): void {
  server.write('hello.txt', 'hello\n')
  server.makeWritable('up')
  server.write('long.txt', longText)
  server.write('binary.bin', binary)
  server.write('folder/a.txt', 'a')
  server.write('folder/b.txt', 'b')
  server.write('page/index.html', page)
  server.write('page/style.css', '#greeting { color: rgb(1, 2, 3) }')
  server.write('page/picture.svg', '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"></svg>')
  server.write('page/script.js', script)
  server.write('page/module.js', "export const word = 'module'")
  server.write('page/data.json', '{"number": 42}')
}

const nginxMore = `
    location /up/ { dav_methods PUT DELETE; create_full_put_path on; }
    location = /moved { return 302 /hello.txt; }
    location /secret { return 403; }
    location /gone { return 410; }
    location /broken { return 500; }
    location = /elsewhere { return 302 https://elsewhere.example/; }`

const apacheMore = `
LoadModule dav_module /usr/lib/apache2/modules/mod_dav.so
LoadModule dav_fs_module /usr/lib/apache2/modules/mod_dav_fs.so
DavLockDB \${FOLDER}/public/up/lock
<Location /up>
  Dav On
</Location>
Redirect 302 /moved /hello.txt
Redirect 302 /elsewhere https://elsewhere.example/
Redirect 403 /secret
Redirect 410 /gone
Redirect 500 /broken`

const origins = [
  { program: 'nginx', start: () => WebServer.nginx(nginxMore) },
  { program: 'apache2', start: () => WebServer.apache(apacheMore) },
]

for (const { program, start } of origins) {
  describe(`the main job, ${program} as origin`, { skip: needs(program, 'curl') }, () => {
    let origin: WebServer
    let headgate: HeadgateProcess
    before(async () => {
      origin = await start()
      fillRoot(origin)
      headgate = await HeadgateProcess.start(`http://127.0.0.1:${origin.port}`)
    })
    after(async () => {
      await headgate?.stop()
      await origin?.stop()
    })
    const ask = (path: string, ...args: string[]) => curl(...args, headgate.url + path)

    it('GET gives the file, without the name of the server', async () => {
      const answer = await ask('/hello.txt')
      assert.deepEqual([answer.status, answer.text], [200, 'hello\n'])
      assert.equal(answer.fields.has('server'), false)
      assert.ok((await ask('/binary.bin')).body.equals(binary))
    })

    it('HEAD gives the fields of GET and no body', async () => {
      const answer = await ask('/hello.txt', '-I')
      assert.deepEqual([answer.exit, answer.status, answer.fields.get('content-length')], [0, 200, '6'])
    })

    it('ranges pass: first bytes, last bytes, several at once, one that cannot be', async () => {
      const first = await ask('/binary.bin', '-r', '0-99')
      assert.equal(first.status, 206)
      assert.equal(first.fields.get('content-range'), `bytes 0-99/${binary.length}`)
      assert.ok(first.body.equals(binary.subarray(0, 100)))
      assert.ok((await ask('/binary.bin', '-r', '-100')).body.equals(binary.subarray(-100)))
      const several = await ask('/binary.bin', '-r', '0-9,100-109')
      assert.match(several.fields.get('content-type') ?? '', /^multipart\/byteranges/)
      assert.equal((await ask('/binary.bin', '-r', '99999999-')).status, 416)
    })

    it('a download that broke off is taken up again', async () => {
      const answer = await ask('/binary.bin', '-C', '1000')
      assert.ok(answer.body.equals(binary.subarray(1000)))
    })

    it('conditional requests: 304 by ETag and by date, 412', async () => {
      const answer = await ask('/hello.txt')
      const tag = answer.fields.get('etag') ?? ''
      assert.notEqual(tag, '')
      const since = answer.fields.get('last-modified') ?? ''
      const same = await ask('/hello.txt', '-H', `If-None-Match: ${tag}`)
      assert.deepEqual([same.exit, same.status, same.text, same.fields.get('etag')], [0, 304, '', tag])
      assert.equal((await ask('/hello.txt', '-H', `If-Modified-Since: ${since}`)).status, 304)
      assert.equal((await ask('/hello.txt', '-H', 'If-Match: "other"')).status, 412)
    })

    it('gzip passes through as it is', async () => {
      const packed = await ask('/long.txt', '-H', 'Accept-Encoding: gzip')
      assert.equal(packed.fields.get('content-encoding'), 'gzip')
      assert.ok(packed.body.length < longText.length / 2)
      assert.equal(gunzipSync(packed.body).toString(), longText)
      const plain = await ask('/long.txt')
      assert.equal(plain.fields.has('content-encoding'), false)
      assert.equal(plain.text, longText)
    })

    it("a redirect leads back to Headgate, not to the origin's port; another host stays", async () => {
      const moved = await ask('/moved')
      assert.equal(moved.status, 302)
      assert.equal(
        new URL(moved.fields.get('location') ?? '', headgate.url).href,
        `${headgate.url}/hello.txt`,
      )
      assert.equal((await ask('/moved', '-L')).text, 'hello\n')
      const folder = await ask('/folder', '-L')
      assert.match(folder.text, /a\.txt/)
      assert.doesNotMatch(folder.heads, new RegExp(`:${origin.port}\\b`))
      assert.equal((await ask('/elsewhere')).fields.get('location'), 'https://elsewhere.example/')
    })

    it('a listing of a folder', async () => {
      const listing = await ask('/folder/')
      assert.equal(listing.status, 200)
      assert.match(listing.text, /a\.txt[^]*b\.txt/)
    })

    it('the statuses of the origin pass with their bodies', async () => {
      for (const [path, status] of [
        ['/missing', 404],
        ['/secret', 403],
        ['/broken', 500],
      ] as const) {
        const answer = await ask(path)
        assert.deepEqual([answer.exit, answer.status], [0, status])
        assert.match(answer.text, /<html>/i)
      }
      assert.equal((await ask('/gone')).status, 410)
    })

    it('HTTP/1.0 clients: the answer ends with the connection, or with keep-alive by its length', async () => {
      const answer = await ask('/hello.txt', '-0')
      assert.deepEqual([answer.exit, answer.status, answer.text], [0, 200, 'hello\n'])
      const chunked = await ask('/long.txt', '-0', '-H', 'Accept-Encoding: gzip')
      assert.equal(chunked.fields.has('transfer-encoding'), false)
      assert.equal(gunzipSync(chunked.body).toString(), longText)
      const kept = await curl(
        '-0',
        '-H',
        'Connection: keep-alive',
        ...Array(3).fill(`${headgate.url}/hello.txt`),
      )
      assert.equal(kept.text, 'hello\n'.repeat(3))
    })

    it('three requests of one connection', async () => {
      const urls = ['/hello.txt', '/folder/a.txt', '/folder/b.txt'].map((path) => headgate.url + path)
      const answer = await curl('--http1.1', '-w', '<%{num_connects}>', ...urls)
      assert.equal(answer.text, 'hello\n<1>a<0>b<0>')
    })

    it('fifty pipelined requests in one write are answered in their order', async () => {
      const paths = Array.from({ length: 50 }, (_, i) => ['/hello.txt', '/folder/a.txt', '/missing'][i % 3])
      const heads = paths.map((path, i) => {
        const last = i === paths.length - 1 ? 'Connection: close\r\n' : ''
        return `GET ${path} HTTP/1.1\r\nHost: a.example\r\n${last}\r\n`
      })
      const reply = await talk(headgate.port, heads.join(''), /$^/, 10_000)
      assert.ok(reply.isClosed)
      const statuses = Array.from(reply.text.matchAll(/HTTP\/1\.1 (\d+)/g), (match) => Number(match[1]))
      assert.deepEqual(
        statuses,
        paths.map((path) => (path === '/missing' ? 404 : 200)),
      )
    })

    it('an upload with Expect: 100-continue arrives whole, with a length and in chunks', async () => {
      const expect = ['-H', 'Expect: 100-continue', '-T', '-']
      for (const more of [[], ['-H', 'Transfer-Encoding: chunked']]) {
        const answer = await curlWith(binary, ...expect, ...more, `${headgate.url}/up/file.bin`)
        assert.ok([201, 204].includes(answer.status), answer.heads)
        assert.match(answer.heads, /HTTP\/1\.1 100 Continue/)
        assert.ok((await ask('/up/file.bin')).body.equals(binary))
      }
      assert.equal((await ask('/up/file.bin', '-X', 'DELETE')).status, 204)
      assert.equal((await ask('/up/file.bin')).status, 404)
    })

    it('POST to what takes none is refused by the origin, and the connection serves on', async () => {
      const answer = await curlWith(binary, '--data-binary', '@-', headgate.url + '/hello.txt')
      assert.ok([200, 405].includes(answer.status), answer.heads)
      assert.equal((await ask('/hello.txt')).status, 200)
    })

    it('wrk for two seconds, without an error', { skip: needs('wrk') }, async () => {
      const wrk = spawn(findProgram('wrk'), ['-t1', '-c32', '-d2s', `${headgate.url}/hello.txt`])
      const said = await text(wrk.stdout)
      assert.match(said, /\d+ requests in/)
      assert.doesNotMatch(said, /Socket errors|Non-2xx/, headgate.said)
    })

    it(
      'Chromium shows a page with its style sheet, picture, modules and data',
      { skip: needs('chromium') },
      async () => {
        const browser = await Browser.start()
        try {
          const view = await browser.open(`${headgate.url}/page/`)
          await view.until("document.querySelector('#said').textContent !== ''")
          assert.equal(await view.evaluate("document.querySelector('#said').textContent"), 'module 42 404')
          assert.equal(
            await view.evaluate("getComputedStyle(document.querySelector('#greeting')).color"),
            'rgb(1, 2, 3)',
          )
          assert.equal(await view.evaluate("document.querySelector('#picture').naturalWidth"), 40)
          const complaints = view.complaints.filter((text) => !text.includes('/missing'))
          assert.deepEqual(complaints, [])
          view.close()
        } finally {
          await browser.close()
        }
      },
    )
  })
}
