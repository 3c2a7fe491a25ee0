// Turns: a jump in a long list changes all its rows, which are then drawn in several frames, so that none takes long.

/** How many rows are drawn in one frame. */
const ROWS_PER_FRAME = 8;

let left = ROWS_PER_FRAME;
let isAwaited = false;
const waiting = new Set<() => void>();

/** Whether a row may be drawn at once. */
export function takeTurn(): boolean {
    awaitFrame();
    left -= 1;
    return left >= 0;
}

/** Calls `draw` in one of the next frames. Returns the function that calls it off. */
export function waitForTurn(draw: () => void): () => void {
    waiting.add(draw);
    awaitFrame();
    return () => waiting.delete(draw);
}

function awaitFrame(): void {
    if (!isAwaited) {
        isAwaited = true;
        requestAnimationFrame(() => {
            isAwaited = false;
            left = ROWS_PER_FRAME;
            for (const draw of [...waiting].slice(0, ROWS_PER_FRAME)) {
                waiting.delete(draw);
                left -= 1;
                draw();
            }
            if (waiting.size > 0) {
                awaitFrame();
            }
        });
    }
}
