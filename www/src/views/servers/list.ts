/** The address of the list that the open server was chosen from; null after a deep link. */
export const list: { href: string | null } = { href: null };
