//! Orders of the C library's locales.
#![expect(unsafe_code, reason = "the C library's order of text has no safe binding")]

use super::no_such_locale;
use crate::base::{Error, Result, SqlState};
use libc::{c_char, c_int, locale_t, size_t};
use std::ffi::{CStr, CString};

unsafe extern "C" {
    /// POSIX.1-2008; the crate `libc` declares it for other systems only.
    fn strxfrm_l(to: *mut c_char, from: *const c_char, size: size_t, locale: locale_t) -> size_t;
}

/// A locale, open for as long as the process lives.
pub struct Locale(locale_t);

// SAFETY: POSIX has `strxfrm_l` and `nl_langinfo_l` take a locale object from any number of threads at once; nothing here
// changes or frees one.
unsafe impl Send for Locale {}
// SAFETY: as above.
unsafe impl Sync for Locale {}

impl Locale {
    /// # Errors
    /// 22023 where the system has no such locale, 42P17 where its texts are not UTF-8.
    pub fn open(name: &str) -> Result<Locale> {
        let failed = || {
            no_such_locale(format!("could not create locale \"{name}\": No such file or directory"))
                .detail(format!("The operating system could not find any locale data for the locale name \"{name}\"."))
        };
        let c_name = CString::new(name).map_err(|_| failed())?;
        let mask: c_int = libc::LC_COLLATE_MASK | libc::LC_CTYPE_MASK;
        // SAFETY: the name is a C string; without a base a new object comes back, or null.
        let locale = unsafe { libc::newlocale(mask, c_name.as_ptr(), std::ptr::null_mut()) };
        if locale.is_null() {
            return Err(failed());
        }
        // SAFETY: the object was just made. The answer is a C string of the locale's, which is never freed.
        let codeset = unsafe { CStr::from_ptr(libc::nl_langinfo_l(libc::CODESET, locale)) };
        if codeset.to_bytes() != b"UTF-8" {
            let text = format!("encoding \"UTF8\" does not match locale \"{name}\"");
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
        }
        Ok(Locale(locale))
    }

    /// Appends the key of a text. What follows a zero byte is left out; text has none.
    pub fn append(&self, text: &[u8], out: &mut Vec<u8>) {
        let mut from: smallvec::SmallVec<[u8; 256]> = text.iter().copied().take_while(|b| *b != 0).collect();
        from.push(0);
        let start = out.len();
        let mut room = 4 * from.len() + 16;
        loop {
            out.resize(start + room, 0);
            // SAFETY: `from` ends with a zero byte; `room` bytes can be written from `start` on; the locale is open.
            let needed = unsafe { strxfrm_l(out[start..].as_mut_ptr().cast(), from.as_ptr().cast(), room, self.0) };
            if needed < room {
                out.truncate(start + needed);
                return;
            }
            room = needed + 1;
        }
    }
}

/// The version of the C library: its locales come with it.
pub fn version() -> Option<String> {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: the answer is a C string that stays.
        let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) };
        version.to_str().ok().map(str::to_owned)
    }
    #[cfg(not(target_env = "gnu"))]
    None
}
