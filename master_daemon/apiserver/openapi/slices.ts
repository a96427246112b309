/** How many entries of a document are written between two turns of the event loop: a few milliseconds' worth. */
const sliceSize = 64;

/** A list slice by slice, with a turn of the event loop after each: nobody else waits for the whole of a large document. */
export async function* inSlices<T>(items: readonly T[]): AsyncGenerator<readonly T[], void, void> {
  for (let start = 0; start < items.length; start += sliceSize) {
    yield items.slice(start, start + sliceSize);
    await nextTurn();
  }
}

/** The next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
