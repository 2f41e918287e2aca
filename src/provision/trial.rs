//! A server of installed binaries or an image, asked about settings without being started.

use std::collections::BTreeMap;

/// Tries each argument, `name=value`, on a server that does not start, and says what is wrong with it; then
/// which of `$LIBRARIES` are not installed, the blocks of `$BUFFERS`, and how much memory there is.
pub(super) const TRY: &str = r#"dir=$(mktemp -d) && : > "$dir/postgresql.conf" || exit 1
trap 'rm -rf "$dir"' EXIT
export LC_ALL=C
for setting; do
  said=$(postgres -C port -D "$dir" -c "$setting" 2>&1) || printf 'setting %s\n%s\n' "${setting%%=*}" "$said"
done
libraries=$(pg_config --pkglibdir 2>/dev/null) || libraries=$(dirname "$(readlink -f "$(command -v postgres)")")/../lib
for library in $LIBRARIES; do
  case $library in /*) file=$library ;; *) file=$libraries/$library ;; esac
  [ ! -d "$libraries" ] || [ -e "$file" ] || [ -e "$file.so" ] || echo "library $library"
done
[ -z "$BUFFERS" ] || echo "blocks $(postgres -C shared_buffers -D "$dir" -c "shared_buffers=$BUFFERS" 2>/dev/null)"
sed -n 's/^MemTotal: *\([0-9]*\) kB/memory \1/p' /proc/meminfo
[ ! -r /sys/fs/cgroup/memory.max ] || echo "limit $(cat /sys/fs/cgroup/memory.max)"
"#;

/// Unless the server was built otherwise.
const BLOCK_BYTES: u64 = 8192;

/// What [`TRY`] wrote.
#[derive(Debug, Default)]
pub(super) struct Trial {
    /// What the server said, by the setting's name.
    pub(super) refused: BTreeMap<String, String>,
    pub(super) missing_libraries: Vec<String>,
    /// Of `shared_buffers`.
    pub(super) buffer_bytes: Option<u64>,
    pub(super) memory_bytes: Option<u64>,
}

impl Trial {
    pub(super) fn read(text: &str) -> Trial {
        let mut trial = Trial::default();
        let mut refused: Option<&str> = None;
        for line in text.lines() {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let number = || rest.trim().parse::<u64>().ok();
            match word {
                "setting" => {
                    refused = Some(rest);
                    trial.refused.insert(rest.to_owned(), String::new());
                }
                "library" => trial.missing_libraries.push(rest.to_owned()),
                "blocks" => trial.buffer_bytes = number().map(|blocks| blocks * BLOCK_BYTES),
                "memory" => trial.memory_bytes = number().map(|kilobytes| kilobytes * 1024),
                // Without a limit it says "max".
                "limit" => {
                    let limits = trial.memory_bytes.into_iter().chain(number());
                    trial.memory_bytes = limits.min();
                }
                _ => {
                    let said = refused.and_then(|name| trial.refused.get_mut(name));
                    said.into_iter().for_each(|said| {
                        said.push_str(line);
                        said.push('\n');
                    });
                }
            }
        }
        trial
    }
}
