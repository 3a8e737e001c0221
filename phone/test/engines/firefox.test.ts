import { FIREFOX } from "./firefox.js";
import { runIn } from "./main_tests.js";

runIn(FIREFOX);
