// The page of one frame, opened by itself.
import { fitBoxes } from "./boxes.js";

fitBoxes(document);
