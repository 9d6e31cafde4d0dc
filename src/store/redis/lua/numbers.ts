/**
 * Numbers as texts. Redis writes a number that a script gives it with seventeen digits of a fraction, which costs more than
 * most commands; so what is asked for often is given as a text. `INT` is the format of whole numbers: as integers they are
 * written several times as fast, where those of the server have room for ours.
 */

const FIELDS = Array.from({ length: 128 }, (_, number) => `'${number}'`).join(',');

/** `FIELD[n]`: a place in a bucket of jobs; from 1, one more than the number. */
export const NUMBERS: string = `
local INT = string.format('%d', 1099511627776) == '1099511627776' and '%d' or '%.0f'
local FIELD = { ${FIELDS} }
`;
