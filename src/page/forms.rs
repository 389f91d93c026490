//! The forms by which somebody acts, for views to take in. Each works without a script; where somebody may not act there is none.
//!
//! What takes power away is a form within `details`: it is opened first, and then confirmed.

use super::Viewer;
use crate::{
    command::{AlertKey, Place},
    event::Action,
    net::Mac,
};
use maud::{Markup, html};
use std::net::Ipv4Addr;

/// Spans for which alerts can be silenced: as the form has them, and in words.
pub const SPANS: [(&str, &str); 4] = [("1h", "an hour"), ("4h", "4 hours"), ("1d", "a day"), ("7d", "a week")];

/// Name and password.
pub(super) fn login(csrf: &str, to: &str) -> Markup {
    html! {
        form method="post" action="/pxelator/login" class="login" {
            input type="hidden" name="csrf" value=(csrf);
            input type="hidden" name="to" value=(to);
            label { "Name " input name="user" autocomplete="username" autocapitalize="none" spellcheck="false" required; }
            label { "Password or token " input name="password" type="password" autocomplete="current-password" required; }
            button { "Log in" }
        }
    }
}

/// Who is logged in, with a button to log out; else the way to the login.
pub fn account(viewer: &Viewer) -> Markup {
    html! {
        @if let Some(name) = &viewer.name {
            form method="post" action="/pxelator/logout" class="account" {
                input type="hidden" name="csrf" value=(viewer.csrf);
                span { (name) } " "
                button { "Log out" }
            }
        } @else if viewer.can_login {
            a class="account" href="/pxelator/login" { "Log in" }
        }
    }
}

/// A form with its hidden fields; nothing where the viewer may not act.
fn form(viewer: &Viewer, action: &str, fields: &[(&str, &str)], inside: &Markup) -> Markup {
    html! {
        @if viewer.may_act {
            form method="post" action={ "/pxelator/act/" (action) } class={ "act " (action) } {
                input type="hidden" name="csrf" value=(viewer.csrf);
                input type="hidden" name="back" value=(viewer.path);
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                (inside)
            }
        }
    }
}

fn of_machine(viewer: &Viewer, action: &str, (segment, machine): Place, inside: &Markup) -> Markup {
    form(viewer, action, &[("segment", &segment.to_string()), ("machine", &machine.to_string())], inside)
}

/// Every change of power of a machine: `on` at once, those that end something after a second press.
pub fn power(viewer: &Viewer, place: Place) -> Markup {
    let button = |action: Action, words: &str| {
        let inside = html! { input type="hidden" name="action" value=(action.name()); button { (words) } };
        of_machine(viewer, "power", place, &inside)
    };
    let sure = |action: Action, words: &str, yes: &str| {
        html! { details class="sure" { summary { (words) } (button(action, yes)) } }
    };
    html! {
        @if viewer.may_act {
            div class="power" role="group" aria-label="Power" {
                (button(Action::On, "On"))
                (sure(Action::Off, "Off", "Yes, switch it off"))
                (sure(Action::Reset, "Reset", "Yes, reset it at once"))
                (sure(Action::Cycle, "Cycle", "Yes, off and on again"))
                (sure(Action::Pxe, "Boot from the network", "Yes, boot it from the network"))
            }
        }
    }
}

/// What a machine boots from now on; the first choice is what its segment says.
pub fn profile(viewer: &Viewer, place: Place, profiles: &[&str], now: Option<&str>) -> Markup {
    let inside = html! {
        label { "Boots "
            select name="profile" {
                option value="" selected[now.is_none()] { "what the segment says" }
                @for name in profiles { option value=(name) selected[now == Some(*name)] { (name) } }
            }
        }
        button { "Assign" }
    };
    of_machine(viewer, "profile", place, &inside)
}

/// Arms a machine: it boots a profile until there is evidence that it is done, and then another.
pub fn arm(viewer: &Viewer, place: Place, profiles: &[&str]) -> Markup {
    let inside = html! {
        label { "Boot once "
            select name="profile" required { @for name in profiles { option value=(name) { (name) } } }
        }
        label { "then "
            select name="then" {
                option value="local" { "its own disk" }
                @for name in profiles { option value=(name) { (name) } }
            }
        }
        button { "Arm" }
    };
    html! { @if !profiles.is_empty() { (of_machine(viewer, "arm", place, &inside)) } }
}

/// Takes a machine that was only seen into conf; address and name are what is suggested.
pub fn adopt(viewer: &Viewer, segment: Ipv4Addr, mac: Mac, address: &str, hostname: &str) -> Markup {
    let inside = html! {
        label { "Address " input name="address" value=(address) inputmode="decimal" autocomplete="off" required; }
        label { "Name " input name="hostname" value=(hostname) maxlength="63" autocapitalize="none" autocomplete="off" spellcheck="false" required; }
        button { "Adopt" }
    };
    form(viewer, "adopt", &[("segment", &segment.to_string()), ("mac", &mac.to_string())], &inside)
}

/// Disarms it.
pub fn disarm(viewer: &Viewer, place: Place) -> Markup {
    of_machine(viewer, "disarm", place, &html! { button { "Disarm" } })
}

/// Does its checks now; those of the segment's own services where the machine is none.
pub fn check(viewer: &Viewer, segment: Ipv4Addr, machine: Option<Ipv4Addr>) -> Markup {
    let inside = html! { button { "Check now" } };
    match machine {
        Some(machine) => of_machine(viewer, "check", (segment, machine), &inside),
        None => form(viewer, "check", &[("segment", &segment.to_string())], &inside),
    }
}

fn of_alert(viewer: &Viewer, action: &str, alert: &AlertKey, inside: &Markup) -> Markup {
    let segment = alert.segment.map_or(String::new(), |segment| segment.to_string());
    let mac = alert.mac.map_or(String::new(), |mac| mac.to_string());
    let fields = [("segment", &*segment), ("mac", &mac), ("rule", &alert.rule), ("subject", &alert.subject)];
    form(viewer, action, &fields, inside)
}

/// Looks after an alert.
pub fn acknowledge(viewer: &Viewer, alert: &AlertKey) -> Markup {
    let inside = html! {
        label { "Note " input name="note" maxlength="200"; }
        button { "Acknowledge" }
    };
    of_alert(viewer, "acknowledge", alert, &inside)
}

/// Has an alert told no more for a time.
pub fn silence(viewer: &Viewer, alert: &AlertKey) -> Markup {
    let inside = html! {
        label { "For "
            select name="span" { @for (span, words) in SPANS { option value=(span) { (words) } } }
        }
        button { "Silence" }
    };
    of_alert(viewer, "silence", alert, &inside)
}

/// Has it told again.
pub fn unsilence(viewer: &Viewer, alert: &AlertKey) -> Markup {
    let inside = html! { input type="hidden" name="span" value=""; button { "Tell again" } };
    of_alert(viewer, "silence", alert, &inside)
}
