import { z } from 'zod';

/** One text in the two languages that everything shown to people exists in. */
export const localized = z.strictObject({ en: z.string().min(1), de: z.string().min(1) });
export type Localized = z.infer<typeof localized>;

/** A language that everything shown to people exists in. */
export const languages = ['en', 'de'] as const;
export type Language = (typeof languages)[number];
