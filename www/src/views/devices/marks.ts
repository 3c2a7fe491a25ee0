// The very characters that differ between two texts.

export interface Part {
    text: string;
    /** Whether the other text lacks it. */
    differs: boolean;
}

/** Longer middles are marked as a whole, so that no task takes long. */
const MOST = 1_000_000;

/** Splits two texts into the parts that both have in the same order, and those that only one has. */
export function marks(left: string, right: string): [Part[], Part[]] {
    const [a, b] = [[...left], [...right]];
    let start = 0;
    while (start < a.length && start < b.length && a[start] === b[start]) {
        start += 1;
    }
    let end = 0;
    while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) {
        end += 1;
    }
    const [inA, inB] = common(a.slice(start, a.length - end), b.slice(start, b.length - end));
    const parts = (all: string[], shared: Set<number>) => {
        const isShared = (place: number) => place < start || place >= all.length - end || shared.has(place - start);
        return joined(all.map((text, place) => ({ text, differs: !isShared(place) })));
    };
    const sides: [Part[], Part[]] = [parts(a, inA), parts(b, inB)];
    // Texts with little in common would look like noise.
    const shared = start + end + inA.size;
    const isNoise = shared < Math.max(a.length, b.length) / 3;
    return isNoise ? [whole(left), whole(right)] : sides;
}

const whole = (text: string): Part[] => [{ text, differs: true }];

function joined(parts: Part[]): Part[] {
    const all: Part[] = [];
    for (const part of parts) {
        const last = all.at(-1);
        if (last?.differs === part.differs) {
            last.text += part.text;
        } else {
            all.push({ ...part });
        }
    }
    return all;
}

/** The places of a longest common subsequence. */
function common(a: string[], b: string[]): [Set<number>, Set<number>] {
    const [inA, inB] = [new Set<number>(), new Set<number>()];
    if (a.length * b.length > MOST) {
        return [inA, inB];
    }
    const width = b.length + 1;
    const lengths = new Uint32Array((a.length + 1) * width);
    const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
    for (let i = a.length - 1; i >= 0; i -= 1) {
        for (let j = b.length - 1; j >= 0; j -= 1) {
            lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
        }
    }
    let [i, j] = [0, 0];
    while (i < a.length && j < b.length) {
        if (a[i] === b[j]) {
            inA.add(i++);
            inB.add(j++);
        } else if (at(i + 1, j) >= at(i, j + 1)) {
            i += 1;
        } else {
            j += 1;
        }
    }
    return [inA, inB];
}
