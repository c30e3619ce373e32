// Shows fingerprints on the page's canvases; painter.js paints them.

const painter = new Worker(new URL('./painter.js', import.meta.url), { type: 'module' });
const waiting = new Map(); // request number -> canvas
let nextRequest = 1;

painter.addEventListener('message', ({ data: { request, picture } }) => {
  const canvas = waiting.get(request);
  waiting.delete(request);
  // A newer request for the same canvas, or none because the canvas has gone, makes this picture useless.
  if (canvas?.dataset.request !== String(request)) {
    picture.close();
    return;
  }
  canvas.getContext('bitmaprenderer').transferFromImageBitmap(picture);
  canvas.dataset.painted = '';
});

/** Paints `print` on `canvas` soon, at the canvas's own width. */
export function showFingerprint(canvas, print) {
  const request = nextRequest++;
  waiting.set(request, canvas);
  canvas.dataset.request = request;
  painter.postMessage({ request, print, width: canvas.width });
}
