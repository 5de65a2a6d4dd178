// SHA-256 of a file in a worker: the browser's own digest takes whole buffers only, and only on https.
// FIPS 180-4. Post { file }; answers { done } now and then, and { hex } at the end.

const K = new Uint32Array(64);
const START = new Uint32Array(8);
const PIECE_BYTES = 4 * 1024 * 1024;

// The constants are the fractions of cube and square roots of the first primes.
for (let n = 2, count = 0; count < 64; n += 1) {
  let isPrime = true;
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) isPrime = false;
  if (!isPrime) continue;
  K[count] = fraction(Math.cbrt(n));
  if (count < 8) START[count] = fraction(Math.sqrt(n));
  count += 1;
}

function fraction(root) {
  return ((root - Math.floor(root)) * 2 ** 32) >>> 0;
}

const words = new Int32Array(64);

function compress(state, view, at) {
  for (let t = 0; t < 16; t += 1) words[t] = view.getInt32(at + t * 4);
  for (let t = 16; t < 64; t += 1) {
    const x = words[t - 15], y = words[t - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[t] = (words[t - 16] + s0 + words[t - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const one = (h + s1 + ((e & f) ^ (~e & g)) + K[t] + words[t]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g; g = f; f = e; e = (d + one) | 0; d = c; c = b; b = a; a = (one + two) | 0;
  }
  state[0] += a; state[1] += b; state[2] += c; state[3] += d;
  state[4] += e; state[5] += f; state[6] += g; state[7] += h;
}

/** The last block or two: a one bit, zeros, and the length in bits. */
function padded(rest, length) {
  const block = new Uint8Array(rest.length < 56 ? 64 : 128);
  block.set(rest);
  block[rest.length] = 0x80;
  const view = new DataView(block.buffer);
  view.setUint32(block.length - 8, Math.floor(length / 2 ** 29));
  view.setUint32(block.length - 4, (length * 8) >>> 0);
  return view;
}

async function digest(file, tell) {
  const state = Int32Array.from(START);
  let rest = new Uint8Array(0);
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    const bytes = new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer());
    const view = new DataView(bytes.buffer);
    const whole = bytes.length - (bytes.length % 64);
    for (let block = 0; block < whole; block += 64) compress(state, view, block);
    rest = bytes.subarray(whole); // pieces are multiples of 64 bytes: only the last one leaves any
    tell(at + bytes.length);
  }
  const end = padded(rest, file.size);
  for (let block = 0; block < end.byteLength; block += 64) compress(state, end, block);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

addEventListener("message", async ({ data }) => {
  try {
    postMessage({ hex: await digest(data.file, (done) => postMessage({ done })) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
});
