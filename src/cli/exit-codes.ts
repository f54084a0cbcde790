/** What the exit status of `runledger` says. The README's table is tested against this one. */
export const exitCodes = {
  /** Done. */
  done: 0,
  /** Refused or failed; the message says why and what to do. */
  failed: 1,
  /** The command line itself was wrong. */
  usage: 2,
  /** Done, but the run ended blocked or failed, or some files were refused. */
  partly: 3,
  /** `fsck` found faults, or `audit` violations. */
  faults: 4,
  /** Ctrl-C, or a system that ends, broke off a download, of which nothing is left, or a copy, which can go on. */
  interrupted: 130,
} as const;
