// A model's page: what was done with its aliases is told once.

import "./actions.js";
import "./page.js";
