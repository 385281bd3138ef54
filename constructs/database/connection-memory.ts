/** Memory of one connection in RDS's own formula, LEAST(DBInstanceClassMemory/9531392, 5000). */
export const BYTES_PER_CONNECTION = 9_531_392;
