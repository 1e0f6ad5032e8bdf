#!/usr/bin/env python3
"""A window to drag paths from, as a file manager offers them. Usage: dragsource.py X Y PATH...

Says on standard output when the window is there and when a drag begins and ends.
"""

import pathlib
import sys

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("Gdk", "3.0")
from gi.repository import Gdk, Gtk  # noqa: E402


def say(word):
    print(word, flush=True)


x, y, *paths = sys.argv[1:]
uris = [pathlib.Path(path).absolute().as_uri() for path in paths]

window = Gtk.Window(title="drag source")
window.set_decorated(False)
window.set_default_size(120, 80)
handle = Gtk.EventBox()
handle.add(Gtk.Label(label="files"))
window.add(handle)
handle.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
handle.drag_source_add_uri_targets()
handle.connect("drag-data-get", lambda _widget, _context, data, _info, _time: data.set_uris(uris))
handle.connect("drag-begin", lambda *_: say("begin"))
handle.connect("drag-end", lambda *_: say("end"))
window.connect("map-event", lambda *_: say("ready"))
window.connect("destroy", Gtk.main_quit)
window.show_all()
window.move(int(x), int(y))
Gtk.main()
