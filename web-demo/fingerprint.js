// Draws a work's fingerprint: a colour field and its contour lines, both from the same few numbers of its vector, so
// that works the store finds alike look alike here. A print is up to 32 numbers of mean 0 and variance 1 (pack.js).
//
//   numbers 0..5    the palette: lightness, two hues and how strong they are
//   numbers 2..31   a smooth height field, the sum of one cosine wave per number; the tint follows its height, and its
//                   contour lines are drawn over it like those of a map

const COLS = 64;
const ROWS = 48;
const LEVELS = 15;
const LEVEL_STEP = 0.17;

/** Where a field is put pixel by pixel before it is enlarged; one serves all. */
const small = new OffscreenCanvas(COLS + 1, ROWS + 1);

const squash = (x, half) => half * Math.tanh(x / 1.6);

/** OKLCH to sRGB bytes; out-of-range channels are clipped. Björn Ottosson's OKLab matrices. */
function oklch(lightness, chroma, hue, out, at) {
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  linear.forEach((x, i) => {
    const c = Math.min(1, Math.max(0, x));
    out[at + i] = 255 * (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
  });
  out[at + 3] = 255;
}

/** One wave per number: wavelengths fall and directions turn as the numbers matter less. */
const waves = Array.from({ length: 30 }, (_, i) => {
  const angle = i * 2.399963; // The golden angle: no two waves run alike.
  const frequency = 1.1 + 0.34 * Math.sqrt(i) * 2.1;
  const strength = 1 / (1.2 + frequency ** 1.5);
  const cells = new Float32Array((COLS + 1) * (ROWS + 1));
  for (let y = 0; y <= ROWS; y++) {
    for (let x = 0; x <= COLS; x++) {
      const along = (x / COLS) * 1.33 * Math.cos(angle) + (y / ROWS) * Math.sin(angle);
      cells[y * (COLS + 1) + x] = strength * Math.cos(Math.PI * frequency * along + i);
    }
  }
  return cells;
});

function heightsOf(print) {
  const heights = new Float32Array((COLS + 1) * (ROWS + 1));
  for (let i = 0; i < Math.min(waves.length, print.length - 2); i++) {
    const weight = squash(print[i + 2], 1.6);
    const wave = waves[i];
    for (let c = 0; c < heights.length; c++) heights[c] += weight * wave[c];
  }
  return heights;
}

/**
 * The pigments a hue may have, evenly spaced round the circle of the first two axes, as [hue in degrees, chroma]:
 * oxblood, umber, ochre, olive, celadon, verdigris, slate, indigo, plum, rose. Hues between two are mixed.
 */
const PIGMENTS = [
  [28, 0.1], [52, 0.085], [78, 0.095], [108, 0.06], [150, 0.045], [188, 0.055], [236, 0.055], [272, 0.085], [322, 0.065],
  [362, 0.085],
];

function pigmentAt(turn) {
  const place = (((turn % 1) + 1) % 1) * PIGMENTS.length;
  const [hue, chroma] = PIGMENTS[Math.floor(place)];
  const [next, nextChroma] = PIGMENTS[(Math.floor(place) + 1) % PIGMENTS.length];
  const share = place % 1;
  const onward = next < hue ? next + 360 : next;
  return { hue: ((hue + (onward - hue) * share) * Math.PI) / 180, chroma: chroma + (nextChroma - chroma) * share };
}

function paletteOf(print) {
  const { hue, chroma } = pigmentAt(Math.atan2(print[1], print[2]) / (2 * Math.PI));
  return {
    light: 0.62 + squash(print[0], 0.17),
    hue,
    turn: 0.12 + squash(print[3], 0.6),
    chroma: chroma * (1 + squash(print[4], 0.35)),
    relief: 0.12 + squash(print[5], 0.05),
  };
}

function paintField(context, heights, { light, hue, turn, chroma, relief }) {
  const field = new ImageData(COLS + 1, ROWS + 1);
  for (let c = 0; c < heights.length; c++) {
    const height = Math.tanh(heights[c] * 0.9);
    oklch(light + relief * height, chroma, hue + turn * height, field.data, c * 4);
  }
  small.getContext('2d').putImageData(field, 0, 0);
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  // Half a cell is cut off each side, so that cell corners fall where the contours take them to be.
  context.drawImage(small, 0.5, 0.5, COLS, ROWS, 0, 0, context.canvas.width, context.canvas.height);
}

/** Where a contour crosses the edge between two heights, as a share of the edge. */
const crossing = (a, b, level) => (level - a) / (b - a);

/** Marching squares over one cell: each pair of crossed edges is one line. A saddle's two lines are paired as found. */
function contourCell(path, x, y, corners, level, cell) {
  const [nw, ne, se, sw] = corners;
  const points = [];
  if (nw < level !== ne < level) points.push(x + crossing(nw, ne, level), y);
  if (ne < level !== se < level) points.push(x + 1, y + crossing(ne, se, level));
  if (sw < level !== se < level) points.push(x + crossing(sw, se, level), y + 1);
  if (nw < level !== sw < level) points.push(x, y + crossing(nw, sw, level));
  for (let i = 0; i + 3 < points.length; i += 4) {
    path.moveTo(points[i] * cell, points[i + 1] * cell);
    path.lineTo(points[i + 2] * cell, points[i + 3] * cell);
  }
}

function contoursOf(heights, cell) {
  const path = new Path2D();
  const row = COLS + 1;
  for (let y = 0; y < ROWS; y++) {
    for (let x = 0; x < COLS; x++) {
      const at = y * row + x;
      const corners = [heights[at], heights[at + 1], heights[at + row + 1], heights[at + row]];
      const low = Math.min(...corners);
      const high = Math.max(...corners);
      for (let n = 0; n < LEVELS; n++) {
        const level = (n - (LEVELS - 1) / 2 + 0.07) * LEVEL_STEP;
        if (low < level && level <= high) contourCell(path, x, y, corners, level, cell);
      }
    }
  }
  return path;
}

/** Paints a print over the whole canvas; a work without a vector gets a plain, hatched field. */
export function paintFingerprint(canvas, print) {
  const context = canvas.getContext('2d');
  const { width, height } = canvas;
  if (!print) {
    paintBlank(context, width, height);
    return;
  }
  const heights = heightsOf(print);
  const palette = paletteOf(print);
  paintField(context, heights, palette);
  context.strokeStyle = palette.light > 0.6 ? 'rgb(28 20 12 / 0.3)' : 'rgb(255 248 236 / 0.34)';
  context.lineWidth = width / 460;
  context.lineCap = 'round';
  context.stroke(contoursOf(heights, width / COLS));
}

function paintBlank(context, width, height) {
  context.fillStyle = '#8d8880';
  context.fillRect(0, 0, width, height);
  context.strokeStyle = 'rgb(255 250 240 / 0.35)';
  context.lineWidth = width / 360;
  context.beginPath();
  for (let x = -height; x < width; x += width / 24) {
    context.moveTo(x, height);
    context.lineTo(x + height, 0);
  }
  context.stroke();
}
