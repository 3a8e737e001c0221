import { CHROMIUM } from "./chromium.js";
import { runIn } from "./main_tests.js";

runIn(CHROMIUM);
