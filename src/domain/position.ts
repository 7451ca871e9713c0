// Positions and revisions as text that sorts as they do, for documents and headers.

/** 20 digits hold every unsigned 64-bit number. */
export const sortable = (position: bigint): string => String(position).padStart(20, '0')
