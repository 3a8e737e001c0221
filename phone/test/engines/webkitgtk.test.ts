import { WEBKITGTK } from "./webkitgtk.js";
import { runIn } from "./main_tests.js";

runIn(WEBKITGTK);
