//! The files that a configuration names. Whoever may read files resolves their names, since only they know in which
//! folder the configuration lies.

use super::Config;

impl Config {
    /// Every file name that is read at delivery, for making them independent of the working directory.
    pub fn secret_files_mut(&mut self) -> Vec<&mut String> {
        let mut files = self.global.secret_files_mut();
        for receiver in self.receivers.values_mut() {
            files.extend(receiver.integrations.iter_mut().flat_map(|i| i.settings.secret_files_mut()));
        }
        files
    }
}
