/** A picture drawn by hand, with a pointer or with keys. */

import { centred } from "../forward";
import { useEffect, useRef, useSignal } from "../h";
import { clamp } from "../numbers";
import type { PictureInput } from "../payload";
import { greyOf } from "../pictures";
import { useStore } from "./context";

/** How far the brush reaches, in pixels of a picture of 28. */
const BRUSH = 1.4;

export function DrawPicture({ input, change }: {
  input: PictureInput; change: (row: number[] | null) => void;
}) {
  const store = useStore();
  const { width, height, paper, ink: full } = input;
  const canvas = useRef<HTMLCanvasElement>();
  const ink = useSignal<Float64Array>(new Float64Array(width * height));
  const brush = useSignal<[number, number] | null>(null);
  const last = useRef<[number, number]>();

  useEffect(() => {
    const context = canvas.current!.getContext("2d")!;
    const image = context.createImageData(width, height);
    const isDark = store.dark;
    ink.value.forEach((value, i) => {
      const tone = Math.round(isDark ? 30 + 225 * value : 255 * (1 - value));
      image.data.set([tone, tone, tone, 255], 4 * i);
    });
    context.putImageData(image, 0, 0);
    if (brush.value) {
      context.strokeStyle = isDark ? "#7cb0ff" : "#1f5fbf";
      context.strokeRect(brush.value[0] - 1, brush.value[1] - 1, 3, 3);
    }
  }, [ink.value, brush.value, store.dark]);

  function set(next: Float64Array, asIs = false): void {
    ink.value = next;
    const isEmpty = next.every((value) => value < 0.05);
    const seen = input.centred && !asIs ? centred(next, input) : next;
    change(isEmpty ? null : Array.from(seen, (value) => paper + (full - paper) * value));
  }

  function stroke(to: [number, number]): void {
    const from = last.current ?? to;
    last.current = to;
    const next = ink.value.slice();
    const size = BRUSH * Math.max(1, Math.min(width, height) / 28);
    const steps = Math.ceil(Math.hypot(to[0] - from[0], to[1] - from[1]) * 2) + 1;
    for (let s = 1; s <= steps; s++) {
      const x = from[0] + ((to[0] - from[0]) * s) / steps;
      const y = from[1] + ((to[1] - from[1]) * s) / steps;
      next.forEach((value, i) => {
        const distance = Math.hypot((i % width) + 0.5 - x, Math.floor(i / width) + 0.5 - y);
        next[i] = Math.max(value, Math.min(1, size + 0.5 - distance));
      });
    }
    set(next);
  }

  const place = (event: PointerEvent): [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * width,
      ((event.clientY - box.top) / box.height) * height];
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const at = brush.value ?? [Math.floor(width / 2), Math.floor(height / 2)];
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1],
      ArrowDown: [0, 1] }[event.key];
    if (step) {
      brush.value = [clamp(at[0] + step[0]!, 0, width - 1),
        clamp(at[1] + step[1]!, 0, height - 1)];
      if (event.shiftKey) stroke([brush.value[0] + 0.5, brush.value[1] + 0.5]);
    } else if (event.key === " ") {
      last.current = null;
      stroke([at[0] + 0.5, at[1] + 0.5]);
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
  };

  function clear(): void {
    last.current = null;
    set(new Float64Array(width * height));
  }

  async function take(): Promise<void> {
    const { pictures } = store.samples!;
    const grey = await greyOf(store.records.blocks, pictures!, store.focus);
    const value = pictures!.ink ? (v: number) => v / 255 : (v: number) => 1 - v / 255;
    set(Float64Array.from(grey, value), true);
  }

  const pictures = store.samples?.pictures;
  const canTake = store.focus >= 0 && pictures?.width === width
    && pictures.height === height;
  return (
    <div class="draw-picture">
      <canvas ref={canvas} width={width} height={height} tabIndex={0} role="application"
        aria-label={"A picture to draw. Arrow keys move the brush, space or shift with "
          + "arrows draws, Delete clears."}
        onKeyDown={onKeyDown} onBlur={() => { brush.value = null; }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          last.current = null;
          stroke(place(event));
        }}
        onPointerMove={(event) => event.buttons & 1 && stroke(place(event))} />
      <p class="actions">
        <button onClick={clear}>clear</button>
        {canTake && (
          <button onClick={() => void take()}>from the pinned sample</button>
        )}
      </p>
    </div>
  );
}
