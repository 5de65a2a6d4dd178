// What every page has. Each module works on its own by delegation; order does not matter.
import "app/http";
import "app/toast";
import "app/copy";
import "app/theme";
import "app/dialogs";
import "app/menus";
import "app/shortcuts";
import "app/tabs";
import "app/times";
import "app/queue-count";
import "app/once";
import "app/focus";
import "app/problems";
import "app/infinite";
import "app/show-count";
import "app/mentions";
import "app/weight";
