/** A4 with margins of 25 mm, in twentieths of a point. */
export const page = { width: 11_906, height: 16_838, margin: 1_417, footer: 709 } as const;

/** The width of a line. */
export const textWidth = page.width - 2 * page.margin;
