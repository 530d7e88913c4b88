import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HpackDecoder, NAME_BAD, VALUE_BAD } from '../../../src/h2/hpack-decoder.ts'
import { Pseudo } from '../../../src/h2/static-table.ts'
import { Field } from '../../../src/http/known-fields.ts'
import { decoded, ListSink, type Line } from './header-list.ts'

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

/** The lines of blocks that one decoder gets one after the other. */
function inTurn(...blocks: string[]): (readonly Line[] | 'bad')[] {
  const decoder = new HpackDecoder()
  return blocks.map((block) => decoded(decoder, hex(block)))
}

const answer = (status: string, date: string): Line[] => [
  [':status', status],
  ['cache-control', 'private'],
  ['date', date],
  ['location', 'https://www.example.com'],
]

describe('the examples of RFC 7541 Appendix C', () => {
  test('a literal with indexing, without, and never indexed (C.2)', () => {
    assert.deepEqual(inTurn('400a637573746f6d2d6b65790d637573746f6d2d686561646572'), [
      [['custom-key', 'custom-header']],
    ])
    assert.deepEqual(inTurn('040c2f73616d706c652f70617468'), [[[':path', '/sample/path']]])
    assert.deepEqual(inTurn('100870617373776f726406736563726574'), [[['password', 'secret']]])
    assert.deepEqual(inTurn('82'), [[[':method', 'GET']]])
  })

  const first: Line[] = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ]
  const requests: Line[][] = [
    first,
    [...first, ['cache-control', 'no-cache']],
    [
      [':method', 'GET'],
      [':scheme', 'https'],
      [':path', '/index.html'],
      [':authority', 'www.example.com'],
      ['custom-key', 'custom-value'],
    ],
  ]
  test('requests without Huffman (C.3)', () => {
    const blocks = [
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ]
    assert.deepEqual(inTurn(...blocks), requests)
  })
  test('requests with Huffman (C.4)', () => {
    const blocks = [
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ]
    assert.deepEqual(inTurn(...blocks), requests)
  })

  const answers: Line[][] = [
    answer('302', 'Mon, 21 Oct 2013 20:13:21 GMT'),
    answer('307', 'Mon, 21 Oct 2013 20:13:21 GMT'),
    [
      ...answer('200', 'Mon, 21 Oct 2013 20:13:22 GMT'),
      ['content-encoding', 'gzip'],
      ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
    ],
  ]
  /** The examples have a table of 256 bytes; so that they evict. */
  const to256 = '3fe101'
  test('answers without Huffman, with eviction (C.5)', () => {
    const blocks = [
      to256 +
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e17' +
        '68747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d41' +
        '53444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b207665727369' +
        '6f6e3d31',
    ]
    assert.deepEqual(inTurn(...blocks), answers)
  })
  test('answers with Huffman, with eviction (C.6)', () => {
    const blocks = [
      to256 +
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97' +
        'c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd' +
        '5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ]
    assert.deepEqual(inTurn(...blocks), answers)
  })
})

describe('a header block is a compression error', () => {
  const wrong: [string, string][] = [
    ['80', 'with index 0 (RFC 7541 §6.1)'],
    ['be', 'with an index behind the table'],
    ['ff8001', 'with a large index behind the table'],
    ['7e0161', 'with the name of an entry that is not there'],
    ['0f2f0161', 'with the name of an entry that is not there, without indexing'],
    ['ffffffffff0f', 'with an integer above 2^28'],
    ['ff8080808000', 'with an integer of too many bytes, all zeros'],
    ['ff80', 'that ends within an integer'],
    ['ff', 'that ends behind a prefix'],
    ['40', 'that ends before a name'],
    ['4001', 'that ends within a name'],
    ['400161', 'that ends before a value'],
    ['4001610261', 'that ends within a value'],
    ['40ff', "that ends within a name's length"],
    ['3fe21f', 'with a table of 4097 bytes, as 4096 were allowed (RFC 7541 §6.3)'],
    ['8220', 'with a change of the size behind a field (RFC 7541 §4.2)'],
    ['4181ff', 'with 8 bits of padding (RFC 7541 §5.2)'],
    ['418106', 'with padding that is no beginning of EOS'],
    ['4184ffffffff', 'with EOS in a string'],
    ['4182fffe', 'with a long code that is cut off'],
  ]
  for (const [block, why] of wrong) {
    test(why, () => {
      assert.deepEqual(inTurn(block), ['bad'])
    })
  }
})

describe('the table', () => {
  test('changes its size several times at the beginning of a block', () => {
    // 0, then 4096: what was there has gone.
    const literal = '4001610162'
    assert.deepEqual(inTurn(literal + 'be', '203fe11f' + literal + 'be', '20be'), [
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
      'bad',
    ])
  })

  test('is emptied by an entry that is larger than it (RFC 7541 §4.4)', () => {
    assert.deepEqual(inTurn('3f024001610162', 'be'), [[['a', 'b']], 'bad'])
    assert.deepEqual(inTurn('3f034001610162', 'be'), [[['a', 'b']], [['a', 'b']]])
  })

  test('keeps entries in their order round after round', () => {
    const decoder = new HpackDecoder()
    for (let n = 0; n < 1000; n++) {
      const value = String(n)
      const literal = Buffer.concat([hex('400161'), Buffer.from([value.length]), Buffer.from(value)])
      decoded(decoder, literal)
      if (n < 50) continue
      assert.deepEqual(decoded(decoder, hex('bedc')), [
        ['a', value],
        ['a', String(n - 30)],
      ])
    }
  })

  test('gets the entry whose name is that of the entry it drives out', () => {
    // 34 bytes have room; the new entry takes its name from the one that goes (RFC 7541 §4.4).
    assert.deepEqual(inTurn('3f034001610162', '7e0163be'), [
      [['a', 'b']],
      [
        ['a', 'c'],
        ['a', 'c'],
      ],
    ])
  })
})

function told(block: string, sink = new ListSink(), decoder = new HpackDecoder()): ListSink {
  const buffer = hex(block)
  decoder.decode(buffer, 0, buffer.length, sink)
  return sink
}

describe('a sink is told', () => {
  test('the numbers of names, pseudo-fields included', () => {
    assert.deepEqual(told('8284610040036f6464007c00').known, [
      Pseudo.METHOD,
      Pseudo.PATH,
      Field.DATE,
      0,
      Field.VIA,
    ])
    // As literals: ':path', 'via'.
    assert.deepEqual(told('00053a70617468012f00037669610161').known, [Pseudo.PATH, Field.VIA])
  })

  test('of a name that is no lower-case token, also when an entry repeats it', () => {
    for (const name of ['Via', 'a b', 'a:b', ':', '', 'a\u0000', '\u00e9', ':Path', '::a']) {
      const literal = '40' + Buffer.from([name.length, ...Buffer.from(name, 'latin1')]).toString('hex')
      assert.deepEqual(told(literal + '00be7e0161').known, [NAME_BAD, NAME_BAD, NAME_BAD], name)
    }
  })

  test('of a value with a forbidden character, also when an entry repeats it', () => {
    for (const value of ['a\r', 'a\nb', 'a\u0000', ' a', 'a\t', '\u007f']) {
      const literal = '7c' + Buffer.from([value.length, ...Buffer.from(value)]).toString('hex')
      // The name of that entry is good: with another value it is a field.
      assert.deepEqual(told(literal + 'be7e0161').known, [VALUE_BAD, VALUE_BAD, Field.VIA], value)
    }
    assert.deepEqual(told('7c036109627c02c3a9').known, [Field.VIA, Field.VIA])
  })

  test('what must never be indexed', () => {
    assert.deepEqual(told('10016101620001630164').secrets, ['a'])
  })

  test('nothing after it has said no, and the table is as it should be all the same', () => {
    const decoder = new HpackDecoder()
    assert.equal(told('40016101624001630164be'.repeat(1000), new ListSink(1), decoder).lines.length, 1)
    assert.deepEqual(decoded(decoder, hex('bebf')), [
      ['c', 'd'],
      ['a', 'b'],
    ])
  })
})
