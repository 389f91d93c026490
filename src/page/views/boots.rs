//! Boots that are under way, as a chain of stages. Pure.

use super::{Scene, badge, link, machines as all, machines::id};
use crate::{
    page::part::since,
    state::{
        Boot, Machine, Outcome, Stage,
        words::{fetching, percent, span, standing},
    },
};
use maud::{Markup, html};

/// A row each: machines that boot, and those whose boot stands still.
pub fn rows(scene: Scene<'_>) -> Vec<(String, Markup)> {
    let boots = all(scene).into_iter().filter_map(|(at, machine)| {
        let boot = machine.boot()?;
        let is_shown = matches!(boot.outcome, Outcome::Underway | Outcome::Stalled(_));
        is_shown.then_some((at, machine, boot))
    });
    boots
        .map(|(at, machine, boot)| {
            let id = id("b", at, machine);
            let standing = standing(machine);
            let row = html! {
                li #(id) {
                    p.line {
                        strong { (link(at, machine)) } " " (badge(standing.mood, &standing.word)) " "
                        span.note { "began " (since(boot.began)) " ago" }
                    }
                    (chain(machine, boot))
                }
            };
            (id, row)
        })
        .collect()
}

/// Every stage, and how far it is.
pub fn chain(machine: &Machine, boot: &Boot) -> Markup {
    let reached = boot.stage();
    let next = fetching(&boot.transfers, reached);
    html! {
        ol.chain aria-label={ "Stages of the boot of " (machine.name()) } {
            @for stage in Stage::ALL {
                @match boot.milestones.get(&stage) {
                    Some(milestone) => li.good { span aria-hidden="true" { "● " } (stage) " " small { (span(boot.began, milestone.at)) } },
                    None if reached > Some(stage) => {},
                    None => {
                        @let on_its_way = next.filter(|(of, _)| *of == stage).map(|(_, transfer)| transfer);
                        li.busy[on_its_way.is_some()] {
                            span aria-hidden="true" { @if on_its_way.is_some() { "◐ " } @else { "○ " } } (stage)
                            @if let Some(percent) = on_its_way.and_then(percent) { " " small { (percent) " %" } }
                        }
                    }
                }
            }
        }
        @if let Outcome::Stalled(verdict) = &boot.outcome {
            p.bad { (verdict.cause) ": " (verdict.next_step) "." }
        }
    }
}
