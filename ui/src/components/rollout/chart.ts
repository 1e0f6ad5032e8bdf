import type uPlot from "uplot";
import type { Adoption } from "../../lib/bindings/Adoption";
import { haltedSpans, type Layer } from "./adoption";

/** What the theme gives to a chart. A canvas knows no custom properties, so they are read when it is drawn. */
interface Paint {
  fills: string[];
  edge: string;
  grid: string;
  hatch: string;
}

function paint(of: Element): Paint {
  const style = getComputedStyle(of);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    fills: [1, 2, 3, 4].map((number) => token(`--c-chart-${number}`)),
    edge: token("--c-chart-edge"),
    grid: token("--c-chart-grid"),
    hatch: token("--c-hatch"),
  };
}

/** Lines at the quarters, over the areas. */
function grid(plot: uPlot, colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  for (const share of [0, 25, 50, 75, 100]) {
    const y = Math.round(plot.valToPos(share, "y", true));
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
  }
  ctx.stroke();
  ctx.restore();
}

/** Hatches a span in which nothing new was offered. */
function hatch(plot: uPlot, span: { from: number; to: number }, colour: string): void {
  const { ctx, bbox } = plot;
  const left = Math.max(bbox.left, plot.valToPos(span.from, "x", true));
  const right = Math.min(bbox.left + bbox.width, plot.valToPos(span.to, "x", true));
  if (right <= left) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, bbox.top, right - left, bbox.height);
  ctx.clip();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.beginPath();
  const step = 8 * devicePixelRatio;
  for (let x = left - bbox.height; x < right; x += step) {
    ctx.moveTo(x, bbox.top + bbox.height);
    ctx.lineTo(x + bbox.height, bbox.top);
  }
  ctx.stroke();
  ctx.restore();
}

/** True where there is something to draw on. */
export function canDraw(): boolean {
  return document.createElement("canvas").getContext("2d") !== null;
}

/** uPlot's constructor. */
export type Plot = typeof uPlot;

/**
 * Loads uPlot. It asks Intl for the numbers of `navigator.language` as it loads, and WebKitGTK says `C` there under a
 * POSIX locale, which Intl refuses: the page would not start. So a language that Intl does not know becomes English,
 * in which the window is written.
 */
export async function loadPlot(): Promise<Plot> {
  try {
    Intl.getCanonicalLocales(navigator.language);
  } catch {
    Object.defineProperty(navigator, "language", { value: "en-US", configurable: true });
  }
  return (await import("uplot")).default;
}

/** Draws the stack into `element`. `onhover` gets the index of the time under the pointer. */
export function draw(
  Plot: Plot,
  element: HTMLElement,
  adoption: Adoption,
  stack: Layer[],
  onhover: (index: number | null) => void,
): uPlot {
  const colours = paint(element);
  // The highest edge is drawn first and filled to the ground; every lower layer covers its part.
  const above = [...stack].reverse();
  const data: uPlot.AlignedData = [adoption.times, ...above.map((layer) => layer.tops)];
  return new Plot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      padding: [0, 0, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: true }, y: { range: [0, 100] } },
      // Axes, flags and labels are text of the page: read aloud, selectable, in its own face.
      axes: [{ show: false }, { show: false }],
      series: [
        {},
        ...above.map((layer) => ({
          fill: colours.fills[layer.colour - 1],
          stroke: colours.edge,
          width: 1.5,
          points: { show: false },
        })),
      ],
      hooks: {
        draw: [
          (plot) => {
            grid(plot, colours.grid);
            for (const span of haltedSpans(adoption)) hatch(plot, span, colours.hatch);
          },
        ],
        setCursor: [(plot) => onhover(plot.cursor.idx ?? null)],
      },
    },
    data,
    element,
  );
}
