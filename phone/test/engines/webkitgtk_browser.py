#!/usr/bin/python3
"""Runs a WebKitGTK window that WebKitWebDriver drives: `webkitgtk_browser.py PROFILE [SCRIPT]`.

WebKitGTK's own MiniBrowser forgets everything at its end while it is driven; this one keeps a profile, so that a
restart can be tried. SCRIPT is a file of JavaScript that runs before any of a page's own. The console goes to stdout.
"""

import sys
from pathlib import Path

import gi

gi.require_version("Gtk", "3.0")
gi.require_version("WebKit2", "4.1")
from gi.repository import Gtk, WebKit2  # noqa: E402 - the versions must be chosen before

WIDTH, HEIGHT = 412, 915


def main(profile: str, *scripts: str) -> None:
    """Wait for the driver, show the one window that it asks for, and end with it."""
    content = WebKit2.UserContentManager()
    for script in scripts:
        source = Path(script).read_text("utf-8")
        frames, when = WebKit2.UserContentInjectedFrames.ALL_FRAMES, WebKit2.UserScriptInjectionTime.START
        content.add_script(WebKit2.UserScript.new(source, frames, when, None, None))
    data = WebKit2.WebsiteDataManager(base_data_directory=f"{profile}/data", base_cache_directory=f"{profile}/cache")
    context = WebKit2.WebContext.new_with_website_data_manager(data)
    context.set_automation_allowed(True)
    settings = WebKit2.Settings(
        enable_write_console_messages_to_stdout=True,
        enable_media_stream=True,
        hardware_acceleration_policy=WebKit2.HardwareAccelerationPolicy.NEVER,
    )

    def view(_session: WebKit2.AutomationSession) -> WebKit2.WebView:
        view = WebKit2.WebView(
            web_context=context, user_content_manager=content, settings=settings, is_controlled_by_automation=True
        )
        window = Gtk.Window(default_width=WIDTH, default_height=HEIGHT)
        window.add(view)
        window.show_all()
        view.connect("close", lambda _: Gtk.main_quit())
        return view

    def started(_context: WebKit2.WebContext, session: WebKit2.AutomationSession) -> None:
        info = WebKit2.ApplicationInfo()
        info.set_name("WebKitGTK")
        session.set_application_info(info)
        session.connect("create-web-view", view)

    context.connect("automation-started", started)
    Gtk.main()


if __name__ == "__main__":
    main(*sys.argv[1:])
