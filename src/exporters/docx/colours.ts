/** Words. */
export const ink = '1F2933';
/** Labels, captions and notes: 5.9 to 1 on white. */
export const muted = '5B6670';
/** Rules between rows, and below what heads a stage. */
export const hairline = 'DDE2E7';
