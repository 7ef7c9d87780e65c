/* The figures: what pack.py wrote. */

/**
 * Compressed bytes that stand as text in an element of the page.
 * @param {string} id
 * @returns {Promise<ArrayBuffer>}
 */
async function embedded(id) {
  const text = document.getElementById(id).textContent;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

const ARRAYS = { Uint8Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array };

/**
 * The tree with its arrays in their places.
 * @param {ArrayBuffer} buffer
 */
function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = new TextDecoder().decode(new Uint8Array(buffer, 4, length));
  const base = (4 + length + 7) & ~7;
  return JSON.parse(head, (_, value) => {
    if (value === null || typeof value !== "object" || !Array.isArray(value.$)) return value;
    const [type, offset, count] = value.$;
    return new ARRAYS[type](buffer, base + offset, count);
  });
}
