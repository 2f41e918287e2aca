//! What a generator's values have in common, which decides whether they fit a column.

/// All that a generator's values have in common.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Nothing but NULL.
    Null,
    Bool,
    Int {
        min: i64,
        max: i64,
    },
    Float {
        min: f64,
        max: f64,
    },
    Decimal {
        min: i64,
        max: i64,
        scale: u8,
    },
    /// At most so many characters.
    Text {
        chars: usize,
    },
    /// One of these texts.
    Label(Vec<String>),
    Uuid,
    /// Microseconds since 1970.
    Timestamp {
        min_us: i64,
        max_us: i64,
    },
    Time,
    Interval,
    Bytes,
    /// So many bits, always.
    Bits {
        len: usize,
    },
    Ip,
    Mac,
    Point,
    Lexemes,
    Pairs,
    Json,
    Array(Box<Shape>),
    /// A range of these.
    Range(Box<Shape>),
    /// Fields by name.
    Record(Vec<(String, Shape)>),
    /// Any of these, row by row.
    Any(Vec<Shape>),
}

impl Shape {
    /// One shape for what several generators give.
    pub fn any(shapes: impl IntoIterator<Item = Shape>) -> Shape {
        let mut all: Vec<Shape> = Vec::new();
        for shape in shapes {
            let parts = match shape {
                Shape::Any(parts) => parts,
                Shape::Null => continue,
                one => vec![one],
            };
            for part in parts {
                if !all.contains(&part) {
                    all.push(part);
                }
            }
        }
        match all.len() {
            0 => Shape::Null,
            1 => all.remove(0),
            _ => Shape::Any(all),
        }
    }

    /// The shapes that it may be, one by one.
    pub fn alternatives(&self) -> &[Shape] {
        match self {
            Shape::Any(parts) => parts,
            one => std::slice::from_ref(one),
        }
    }

    /// Characters of the longest value as text; `None` where there is no telling.
    pub fn chars(&self) -> Option<usize> {
        let digits = |n: &i64| n.to_string().len();
        Some(match self {
            Shape::Null => 0,
            Shape::Bool => 5,
            Shape::Int { min, max } => digits(min).max(digits(max)),
            Shape::Decimal { min, max, scale } => {
                digits(min).max(digits(max)).max(usize::from(*scale) + 2) + 1
            }
            Shape::Text { chars } => *chars,
            Shape::Label(labels) => {
                let chars = labels.iter().map(|label| label.chars().count());
                chars.max().unwrap_or(0)
            }
            Shape::Uuid => 36,
            Shape::Timestamp { .. } => 27,
            Shape::Time => 8,
            Shape::Bits { len } => *len,
            Shape::Ip => 43,
            Shape::Mac => 17,
            Shape::Any(parts) => {
                let chars: Option<Vec<usize>> = parts.iter().map(Shape::chars).collect();
                chars?.into_iter().max().unwrap_or(0)
            }
            _ => return None,
        })
    }
}
