/** Numbers, sizes, times and hashes as the design writes them. Pure: the clock comes in as an argument. */

export * from "./hash";
export * from "./numbers";
export * from "./time";
