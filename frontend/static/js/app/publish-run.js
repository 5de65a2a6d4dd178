// Publishing a run: a checkpoint chosen before htmx listened still brings its own samples.
import { catchUp } from "app/early-changes";

catchUp({ root: document.getElementById("checkpoints"), event: "change" });
