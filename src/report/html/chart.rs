//! Charts as inline SVG: lines over a linear, a logarithmic or a log-of-nines axis. Colours are classes that the page's
//! style sheet fills for both themes; every text is ours.

use std::fmt::Write as _;

use super::super::units;

/// The size in units of the drawing; the page scales it, so that text keeps a readable size on a phone.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;

/// How a value becomes a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// In proportion.
    Linear,
    /// Each tenfold step takes the same room.
    Log,
}

/// What numbers on the upright axis mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Microseconds.
    Micros,
    /// Bytes.
    Bytes,
    /// Plain numbers.
    Count,
}

impl Unit {
    fn show(self, value: f64) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "values are not negative, and a label is rounded anyway"
        )]
        let whole = value.round() as u64;
        match self {
            Self::Micros => units::micros(whole, true),
            Self::Bytes => units::bytes(whole),
            Self::Count => units::three_digits(value),
        }
    }
}

/// One line of a chart.
pub(super) struct Line {
    /// What it is, for the key.
    pub(super) name: &'static str,
    /// The class that colours it: `a` to `d`, or `reference`.
    pub(super) class: &'static str,
    /// Its points; `None` breaks it.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A chart.
pub(super) struct Chart<'a> {
    /// What it shows, for those who cannot see it.
    pub(super) title: &'a str,
    /// What the lower axis has.
    pub(super) below: &'a str,
    /// Marks of the lower axis: place and label.
    pub(super) marks: Vec<(f64, String)>,
    /// Where a band begins and ends on the lower axis, with what it is: the measure phase.
    pub(super) band: Option<(f64, f64)>,
    /// How values are placed.
    pub(super) scale: Scale,
    /// What they are.
    pub(super) unit: Unit,
    /// The lines.
    pub(super) lines: Vec<Line>,
}

impl Chart<'_> {
    /// The drawing; nothing where no line has a point.
    pub(super) fn svg(&self) -> Option<String> {
        let values = || self.lines.iter().flat_map(|line| &line.points);
        let known: Vec<f64> = values().filter_map(|(_, value)| *value).collect();
        let across = Axis::of(values().map(|(at, _)| *at), LEFT, WIDTH - RIGHT)?;
        let upright = self.upright(&known)?;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" class=\"chart\"><title>{}</title>",
            self.title
        );
        if let Some((from, to)) = self.band {
            let (from, to) = (across.place(from), across.place(to));
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                "<rect class=\"band\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{}\"/>",
                (to - from).max(0.0),
                HEIGHT - TOP - BOTTOM
            );
        }
        self.grid(&mut svg, &across, &upright);
        for line in &self.lines {
            draw(&mut svg, line, &across, &upright);
        }
        svg.push_str("</svg>");
        Some(svg)
    }

    fn upright(&self, values: &[f64]) -> Option<Upright> {
        let most = values.iter().copied().reduce(f64::max)?;
        let least = values.iter().copied().reduce(f64::min)?;
        let ticks = match self.scale {
            Scale::Linear => linear_ticks(most, self.unit),
            Scale::Log => log_ticks(least, most),
        };
        Some(Upright {
            scale: self.scale,
            axis: Axis {
                low: self.scale.level(*ticks.first()?),
                high: self.scale.level(*ticks.last()?),
                from: HEIGHT - BOTTOM,
                to: TOP,
            },
            ticks,
        })
    }

    fn grid(&self, svg: &mut String, across: &Axis, upright: &Upright) {
        for tick in &upright.ticks {
            let y = upright.place(*tick);
            // Writing to a string cannot fail.
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                self.unit.show(*tick)
            );
        }
        for (at, label) in &self.marks {
            let x = across.place(*at);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>\
                 <text class=\"mid\" x=\"{x:.1}\" y=\"{}\">{label}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 4.0,
                HEIGHT - BOTTOM + 16.0
            );
        }
        let _ = write!(
            svg,
            "<text class=\"mid dim\" x=\"{:.1}\" y=\"{}\">{}</text>",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 3.0,
            self.below
        );
    }
}

impl Scale {
    fn level(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log => value.max(1e-9).log10(),
        }
    }
}

/// From values to places.
struct Axis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn of(values: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Option<Self> {
        let low = values.clone().reduce(f64::min)?;
        let high = values.reduce(f64::max)?;
        Some(Self {
            low,
            high,
            from,
            to,
        })
    }

    fn place(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 {
            ((value - self.low) / span).clamp(0.0, 1.0)
        } else {
            0.5
        };
        self.from + share * (self.to - self.from)
    }
}

struct Upright {
    scale: Scale,
    axis: Axis,
    ticks: Vec<f64>,
}

impl Upright {
    fn place(&self, value: f64) -> f64 {
        self.axis.place(self.scale.level(value))
    }
}

/// Ticks from zero to at least `most`: 1, 2 or 5 times a power of ten apart, or of 1,024 for sizes.
fn linear_ticks(most: f64, unit: Unit) -> Vec<f64> {
    let most = if most > 0.0 { most } else { 1.0 };
    let step = match unit {
        Unit::Bytes => (most / 4.0).log2().ceil().exp2(),
        _ => {
            let raw = most / 4.0;
            let power = 10_f64.powf(raw.log10().floor());
            let nice = [1.0, 2.0, 5.0, 10.0].into_iter();
            let mut fitting = nice.filter(|nice| nice * power >= raw);
            fitting.next().unwrap_or(10.0) * power
        }
    };
    let mut ticks = vec![0.0];
    let mut at = 0.0;
    // A step is at least a quarter of the whole, so there are at most five.
    while at < most && ticks.len() < 6 {
        at += step;
        ticks.push(at);
    }
    ticks
}

/// Powers of ten around all values, and where these are few, 3 times them too.
fn log_ticks(least: f64, most: f64) -> Vec<f64> {
    let low = least.max(1.0).log10().floor();
    let high = most.max(1.0).log10().ceil().max(low + 1.0);
    let mut ticks = Vec::new();
    let mut power = low;
    while power <= high {
        ticks.push(10_f64.powf(power));
        if high - low <= 3.0 && power < high {
            ticks.push(3.0 * 10_f64.powf(power));
        }
        power += 1.0;
    }
    ticks
}

/// Draws a line; a point without neighbours is a dot.
fn draw(svg: &mut String, line: &Line, across: &Axis, upright: &Upright) {
    for part in line.points.split(|(_, value)| value.is_none()) {
        let places = part.iter().filter_map(|(at, value)| {
            let value = (*value)?;
            Some((across.place(*at), upright.place(value)))
        });
        let places: Vec<(f64, f64)> = places.collect();
        let class = line.class;
        match places.as_slice() {
            [] => {}
            [(x, y)] => {
                // Writing to a string cannot fail.
                let _ = write!(
                    svg,
                    "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"
                );
            }
            places => {
                let points = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
                let points: Vec<String> = points.collect();
                let _ = write!(
                    svg,
                    "<polyline class=\"line {class}\" points=\"{}\"><title>{}</title></polyline>",
                    points.join(" "),
                    line.name
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        let cases = [
            (0.0, Unit::Count, vec![0.0, 0.5, 1.0]),
            (3.2, Unit::Count, vec![0.0, 1.0, 2.0, 3.0, 4.0]),
            (
                1_990.0,
                Unit::Count,
                vec![0.0, 500.0, 1_000.0, 1_500.0, 2_000.0],
            ),
            (40.0, Unit::Bytes, vec![0.0, 16.0, 32.0, 48.0]),
        ];
        for (most, unit, expected) in cases {
            assert_eq!(linear_ticks(most, unit), expected, "{most}");
        }
        assert_eq!(log_ticks(20.0, 900.0), [10.0, 30.0, 100.0, 300.0, 1_000.0]);
        assert_eq!(log_ticks(5.0, 5.0), [1.0, 3.0, 10.0]);
        assert_eq!(log_ticks(1.0, 60e6).len(), 9);
    }

    #[test]
    fn a_chart_without_points_is_none_and_gaps_break_lines() {
        let chart = |points| Chart {
            title: "t",
            below: "s",
            marks: Vec::new(),
            band: Some((1.0, 2.0)),
            scale: Scale::Linear,
            unit: Unit::Count,
            lines: vec![Line {
                name: "n",
                class: "a",
                points,
            }],
        };
        assert_eq!(chart(Vec::new()).svg(), None);
        assert_eq!(chart(vec![(1.0, None)]).svg(), None);
        let gapped = vec![
            (1.0, Some(1.0)),
            (2.0, None),
            (3.0, Some(2.0)),
            (4.0, Some(1e12)),
        ];
        let svg = chart(gapped).svg().unwrap();
        assert_eq!(svg.matches("<circle").count(), 1);
        assert_eq!(svg.matches("<polyline").count(), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
