/**
 * Memory given back before garbage is collected.
 *
 * @module
 */

/**
 * Give the memory of a buffer back, which nobody reads any more; harmless when repeated.
 *
 * V8 decides by its heap when to collect garbage, and buffers lie outside of it: some hundred megabytes
 * of those that are made for every patch or block gather before it does.
 *
 * @param buffer The buffer; arrays over it are empty afterwards.
 */
export function releaseBuffer(buffer: ArrayBuffer): void {
  if (!buffer.detached) buffer.transfer(0);
}
