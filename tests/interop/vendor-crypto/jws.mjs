// Verifies a manifest with jose, which others wrote:
//
//   node jws.mjs MANIFEST PUBLIC_KEY_PEM
//
// Prints the payload, or fails. Both forms of RFC 7515 §7.2 are tried, and a changed payload must not verify.
import { readFileSync } from 'node:fs'
import { flattenedVerify, generalVerify, importSPKI } from 'jose'

const [, , manifest, pem] = process.argv
const jws = JSON.parse(readFileSync(manifest, 'utf8'))
const key = await importSPKI(readFileSync(pem, 'utf8'), 'RS256')
const general = await generalVerify(jws, key)
const { payload, signatures } = jws
const flattened = await flattenedVerify({ payload, ...signatures[0] }, key)
const text = new TextDecoder().decode(general.payload)
if (text !== new TextDecoder().decode(flattened.payload)) throw new Error('the two forms differ')
const changed = (payload[0] === 'A' ? 'B' : 'A') + payload.slice(1)
const refused = await generalVerify({ payload: changed, signatures }, key).then(
  () => false,
  () => true,
)
if (!refused) throw new Error('a changed payload verified')
process.stdout.write(text)
