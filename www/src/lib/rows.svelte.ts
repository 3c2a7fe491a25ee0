// The list that the keys `j`, `k` and `Enter` work on: the one that was shown last.

export interface RowList {
    /** Moves the selection by a number of rows. */
    move(by: number): void;
    /** Opens the selected row. */
    open(): void;
}

const lists: RowList[] = [];

/** Makes a list the one that the keys work on, while the component lives. Call it while a component is set up. */
export function useRowKeys(list: RowList): void {
    $effect(() => {
        lists.push(list);
        return () => void lists.splice(lists.indexOf(list), 1);
    });
}

export const currentRows = (): RowList | undefined => lists.at(-1);

/** What `[` and `]` step through, such as the windows of a view. */
export interface Stepper {
    step(by: -1 | 1): void;
}

const steppers: Stepper[] = [];

export function useStepKeys(stepper: Stepper): void {
    $effect(() => {
        steppers.push(stepper);
        return () => void steppers.splice(steppers.indexOf(stepper), 1);
    });
}

export const currentStepper = (): Stepper | undefined => steppers.at(-1);

/** What `Esc` does in a view, such as leaving a server for the list. */
const backs: (() => void)[] = [];

export function useBackKey(back: () => void): void {
    $effect(() => {
        backs.push(back);
        return () => void backs.splice(backs.indexOf(back), 1);
    });
}

export const currentBack = (): (() => void) | undefined => backs.at(-1);
