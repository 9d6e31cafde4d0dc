/** The curves of the question `held` as a picture: jobs a second by the second, on a logarithmic scale. */

const COLOURS = { millrace: '#c2410c', 'graphile-best': '#2563eb', pgboss: '#15803d', bullmq: '#7e22ce' };
const SIZE = { width: 760, height: 380, left: 70, right: 20, top: 30, bottom: 70 };
const FONT = 'font-family="system-ui, sans-serif" font-size="12"';

const line = (x1, y1, x2, y2, look) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${look}/>`;
const text = (x, y, words, look = '') => `<text x="${x}" y="${y}" ${FONT} ${look}>${words}</text>`;

/** From seconds and jobs a second to places in the picture. A rate below 1 lies on the floor. */
function scales(curves, seconds) {
  const highest = Math.max(10, ...curves.flatMap(({ rates }) => rates));
  const lowest = Math.max(1, Math.min(...curves.flatMap(({ rates }) => rates)));
  const [low, high] = [Math.floor(Math.log10(lowest)), Math.ceil(Math.log10(highest))];
  const { width, height, left, right, top, bottom } = SIZE;
  const x = (second) => left + (second / seconds) * (width - left - right);
  const y = (rate) => {
    const share = (Math.log10(Math.max(10 ** low, rate)) - low) / Math.max(1, high - low);
    return height - bottom - share * (height - top - bottom);
  };
  return { x, y, decades: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)) };
}

function curve({ peer, rates }, { x, y }) {
  const points = rates.map((rate, second) => `${x(second + 0.5).toFixed(1)},${y(rate).toFixed(1)}`);
  const look = `fill="none" stroke="${COLOURS[peer]}" stroke-width="2"`;
  return `<polyline points="${points.join(' ')}" ${look}/>`;
}

function frame({ x, y, decades }, { seconds, begins }) {
  const { width, height, left, right, top, bottom } = SIZE;
  const grid = decades.map(
    (rate) =>
      line(left, y(rate), width - right, y(rate), 'stroke="#ddd"') +
      text(left - 8, y(rate) + 4, rate.toLocaleString('en'), 'text-anchor="end"'),
  );
  const times = Array.from({ length: Math.floor(seconds / 10) + 1 }, (_, index) =>
    text(x(index * 10), height - bottom + 18, `${index * 10} s`, 'text-anchor="middle"'),
  );
  const held =
    line(x(begins), top, x(begins), height - bottom, 'stroke="#555" stroke-dasharray="4 3"') +
    text(x(begins) + 5, top - 8, 'from here on another session keeps its transaction open');
  return [...grid, ...times, held, text(left - 60, top - 12, 'jobs/s')].join('\n');
}

function legend(curves, titles) {
  const { height, left } = SIZE;
  return curves
    .map(({ peer }, index) => {
      const x = left + index * 170;
      const mark = line(x, height - 20, x + 20, height - 20, `stroke="${COLOURS[peer]}" stroke-width="3"`);
      return mark + text(x + 26, height - 16, titles[peer]);
    })
    .join('\n');
}

/** Of the first run of everybody. */
export function heldPicture({ series, size }, titles) {
  const curves = Object.entries(series)
    .filter(([, answers]) => answers.length > 0)
    .map(([peer, [{ before, held }]]) => ({ peer, rates: [...before, ...held] }));
  const seconds = size.usualSeconds + size.heldSeconds;
  const scale = scales(curves, seconds);
  const { width, height } = SIZE;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">
<title id="title">Jobs done per second while another session keeps a transaction open, ours beside the peers</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${frame(scale, { seconds, begins: size.usualSeconds })}
${curves.map((each) => curve(each, scale)).join('\n')}
${legend(curves, titles)}
</svg>
`;
}
