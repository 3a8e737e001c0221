/** Where the project's folder is, seen from where tests run. */

import { resolve } from "node:path";

export const HOUSE = resolve(process.env.HOUSE ?? "..");
