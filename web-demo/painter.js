// The worker that paints: a print and a width come in, a finished picture goes out. Painting a page of works takes
// longer than the page's own thread may be held.

import { paintFingerprint } from './fingerprint.js';

addEventListener('message', ({ data: { request, print, width } }) => {
  const canvas = new OffscreenCanvas(width, (width * 3) / 4);
  paintFingerprint(canvas, print);
  const picture = canvas.transferToImageBitmap();
  postMessage({ request, picture }, [picture]);
});
