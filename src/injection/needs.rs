//! What one container lacks of what it should have, and how it gets it.

use std::borrow::Cow;

use super::env_conflicts::{self, OwnEnv};
use super::injected_pod::{InjectedPod, Purpose};
use super::items::{EnvSet, NewEnvVar};
use super::mark::Mark;
use super::new_mark::{NewMark, tells};
use super::wanted::{Wanted, WantedMount};
use super::way::Way;
use crate::findings::{CameLater, Findings, Problem};
use crate::injectors;
use crate::json::{Edits, End, Fields};
use crate::messages::Excerpt;
use crate::objects::{Container, ContainerPlace};
use crate::settings::extra_env::IdentityPart;
use crate::values::is_same;

/// What one container should have, and lacks.
#[derive(Clone, Debug)]
pub struct ContainerNeeds<'p, 'a> {
    /// Its place in the pod.
    pub place: ContainerPlace,
    /// The container.
    pub container: &'p Container<'a>,
    /// Where it has the token volume, if that is not where the others have it: its variables say so.
    own_directory: Option<&'p str>,
    /// Whether it has the token volume at all.
    pub lacks_volume_mount: bool,
    /// The variables that it lacks: they are the same, wherever the token is.
    lacks_env: EnvSet,
    /// Its index in the pod's mark.
    marked: Option<usize>,
    /// What else there is, if some setting asks for it.
    more: Option<Box<MoreNeeds<'p>>>,
}

/// What settings may add to the needs of a container.
#[derive(Clone, Debug, Default)]
struct MoreNeeds<'p> {
    /// The indexes of the mounts for older layouts that it lacks.
    lacks_older: Vec<usize>,
    /// The variables that were injected, by the pod's mark, and are to be replaced or removed: each one's index, and its name
    /// if it gets another value.
    outdated_env: Vec<(usize, Option<&'p str>)>,
    /// The indexes of such mounts, which are to be removed.
    outdated_mounts: Vec<usize>,
}

/// How many variables or mounts of a container can be outdated: more than the policy injects.
const MOST: usize = 64;

/// Brackets, commas and keys around what a container gets, in bytes.
const AROUND: usize = 64;

impl<'p, 'a> ContainerNeeds<'p, 'a> {
    /// Finds out what a container lacks; what is in the way of it is added to `findings`.
    ///
    /// `marked` is its index in the pod's mark; The ways are those to the mounts.
    pub fn new(
        pod: InjectedPod<'p, 'a>,
        (place, container): (ContainerPlace, &'p Container<'a>),
        wanted: &Wanted<'p>,
        (way, older_ways): (&Way<'_, 'p, 'a>, &[Way<'_, 'p, 'a>]),
        marked: Option<usize>,
        findings: &mut Findings,
    ) -> Self {
        let mut needs = Self {
            place,
            container,
            own_directory: None,
            lacks_volume_mount: false,
            lacks_env: EnvSet::of(&wanted.env, |new| !container.has_env(new.name)),
            marked,
            more: None,
        };
        if marked.is_some() {
            needs.find_outdated_mounts(pod, wanted);
        }
        let mount = &wanted.mount;
        let mut own = container.volume_mounts.items.iter().enumerate();
        // One under the path of an older layout is there for that layout.
        let is_older = |path: &str| wanted.older_mounts.iter().any(|older| older.path == path);
        let mounted = own.find(|(index, own)| {
            is_same(&own.name, &mount.volume)
                && !own.is_part
                && !needs.removes_mount(*index)
                && !is_older(&own.mount_path)
        });
        needs.own_directory = mounted
            .map(|(_, own)| &*own.mount_path)
            .filter(|path| *path != mount.path);
        needs.lacks_volume_mount = mounted.is_none();
        if needs.lacks_volume_mount {
            way.check(place, container, needs.removed_mounts(), findings);
        }
        for (index, way) in older_ways.iter().enumerate() {
            needs.find_older(index, way, wanted, findings);
        }
        let ours = match marked {
            Some(marked) => needs.find_outdated_env(pod, marked, wanted, findings),
            None => Vec::new(),
        };
        if !container.env.items.is_empty() {
            let reaches_token = |file: &str| {
                wanted
                    .older_mounts
                    .iter()
                    .any(|mount| mount.has_token(file))
                    || way.has_token(container, file, wanted.identity)
            };
            let own = OwnEnv {
                container,
                lacking: needs.lacks_env,
                ours: &ours,
                reaches_token: &reaches_token,
            };
            let about = || pod.container(place, container);
            env_conflicts::warn(about, own, &needs.env(wanted), wanted.identity, findings);
        }
        needs
    }

    /// Finds out whether it lacks the token under the path of an older layout.
    #[inline(never)]
    fn find_older(
        &mut self,
        index: usize,
        way: &Way<'_, 'p, 'a>,
        wanted: &Wanted<'p>,
        findings: &mut Findings,
    ) {
        let mut own = self.container.volume_mounts.items.iter().enumerate();
        let is_there = own.any(|(index, own)| {
            !self.removes_mount(index) && way.is_reached_by(own, wanted.identity)
        });
        if !is_there {
            way.check(self.place, self.container, self.removed_mounts(), findings);
            self.more.get_or_insert_default().lacks_older.push(index);
        }
    }

    /// The variables that it should have: the usual ones, unless it has the token elsewhere.
    fn env<'w>(&self, wanted: &'w Wanted<'p>) -> Cow<'w, [NewEnvVar<'p>]> {
        match self.own_directory {
            Some(directory) => Cow::Owned(wanted.env_at(directory)),
            None => Cow::Borrowed(&wanted.env),
        }
    }

    /// The variables that it lacks.
    pub fn lacking_env<'w>(
        &self,
        wanted: &'w Wanted<'p>,
    ) -> impl Iterator<Item = &'w NewEnvVar<'p>> {
        self.lacks_env.in_env(&wanted.env)
    }

    /// Whether a variable that was injected gets another value, or goes.
    pub fn renews(&self, name: &str) -> bool {
        self.more.is_some() && self.renewed_env().any(|renewed| renewed == name)
    }

    /// The names of such variables.
    pub fn renewed_env(&self) -> impl Iterator<Item = &str> {
        let own = &self.container.env.items;
        let outdated = self.more.iter().flat_map(|more| &more.outdated_env);
        outdated.filter_map(|(index, _)| Some(&*own.get(*index)?.name))
    }

    /// The variables that it should have, and has of its own.
    pub fn kept_env(&self, mark: Option<&Mark<'_>>, wanted: &Wanted<'p>) -> Vec<&'p str> {
        let env = wanted.env.iter().enumerate();
        let kept = env.filter(|(index, new)| {
            !self.lacks_env.has(*index) && !self.renews(new.name) && !self.was_given(mark, new.name)
        });
        kept.map(|(_, new)| new.name).collect()
    }

    /// Whether it has a variable as the mark says that it was injected.
    fn was_given(&self, mark: Option<&Mark<'_>>, name: &str) -> bool {
        let own = self.container.env_var(name);
        mark.zip(self.marked)
            .zip(own)
            .is_some_and(|((mark, at), own)| mark.gave_env(at, own))
    }

    /// Those of the mounts that it lacks.
    pub fn new_mounts<'w>(
        &self,
        wanted: &'w Wanted<'p>,
    ) -> impl Iterator<Item = &'w WantedMount<'p>> {
        let mount = self.lacks_volume_mount.then_some(&wanted.mount);
        mount.into_iter().chain(self.older_mounts(wanted))
    }

    /// Those of older layouts that it lacks.
    fn older_mounts<'w>(
        &self,
        wanted: &'w Wanted<'p>,
    ) -> impl Iterator<Item = &'w WantedMount<'p>> {
        let more = self.more.as_ref();
        let indexes = more.map_or(&[][..], |more| &more.lacks_older);
        indexes
            .iter()
            .filter_map(|index| wanted.older_mounts.get(*index))
    }

    /// Whether it gets or loses something.
    pub fn is_changed(&self) -> bool {
        self.lacks_volume_mount || !self.lacks_env.is_empty() || self.more.is_some()
    }

    /// Whether one of its mounts is removed.
    pub fn removes_mount(&self, index: usize) -> bool {
        self.removed_mounts().contains(&index)
    }

    fn removed_mounts(&self) -> &[usize] {
        self.more.as_ref().map_or(&[], |more| &more.outdated_mounts)
    }

    /// How many bytes it gets, rounded up.
    pub fn growth(&self, wanted: &Wanted<'p>) -> usize {
        let env = self.env(wanted);
        let renewed = env.iter().filter(|new| self.renews(new.name));
        let env = self.lacks_env.in_env(&env).chain(renewed);
        let env = env.map(|new| new.json.len());
        let mounts = self.new_mounts(wanted).map(|mount| mount.json.len());
        match env.chain(mounts).fold(0, usize::saturating_add) {
            0 => 0,
            growth => growth.saturating_add(AROUND),
        }
    }

    /// Adds what it lacks to the findings.
    pub fn reject_missing(
        &self,
        pod: InjectedPod<'_, '_>,
        wanted: &Wanted<'_>,
        findings: &mut Findings,
    ) {
        let mount_of = self.lacks_volume_mount.then_some(&wanted.mount);
        let token_at = self
            .older_mounts(wanted)
            .map(|mount| Excerpt::new(&mount.path));
        let token_at: Vec<_> = token_at.collect();
        if self.lacks_env.is_empty() && mount_of.is_none() && token_at.is_empty() {
            return;
        }
        let is_unmarked = pod.review.mark.is_some() && self.marked.is_none();
        let injector = injectors::adding(&self.container.name);
        let problem = Problem::Lacks {
            env: self
                .lacking_env(wanted)
                .map(|new| Excerpt::new(new.name))
                .collect(),
            mount_of: mount_of.map(|mount| Excerpt::new(&mount.volume)),
            token_at,
            came_later: match injector {
                Some(injector) => Some(CameLater::By(injector.name)),
                None => is_unmarked.then_some(CameLater::NotMarked),
            },
        };
        findings.reject(&pod.container(self.place, self.container), problem);
    }

    /// Gives it what it lacks.
    pub fn edit(&self, pod: InjectedPod<'_, '_>, wanted: &Wanted<'p>, edits: &mut Edits) {
        let Container {
            object,
            env,
            volume_mounts,
            ..
        } = self.container;
        let mut new_fields = Fields::default();
        let all = self.env(wanted);
        let mut env_place = env.place;
        let mut mounts_place = volume_mounts.place;
        if let Some(more) = &self.more {
            let outdated = more.outdated_env.iter();
            let outdated = outdated.map(|(index, name)| {
                let new = name.and_then(|name| all.iter().find(|new| new.name == name));
                (*index, new.map(|new| &*new.json))
            });
            let text = pod.review.text;
            env_place = edits.change_items(text, env_place, &outdated.collect::<Vec<_>>());
            let removed = more.outdated_mounts.iter().map(|index| (*index, None));
            mounts_place = edits.change_items(text, mounts_place, &removed.collect::<Vec<_>>());
        }
        let items: Vec<_> = self.lacks_env.in_env(&all).map(|new| &*new.json).collect();
        edits.add_items(env_place, "env", End::Back, &items, &mut new_fields);
        let items: Vec<_> = self.new_mounts(wanted).map(|mount| &*mount.json).collect();
        edits.add_items(
            mounts_place,
            "volumeMounts",
            End::Back,
            &items,
            &mut new_fields,
        );
        edits.add_fields(*object, new_fields);
    }

    /// Adds it to the pod's new mark, if it has got something.
    #[inline(never)]
    pub fn mark(&self, old: Option<&Mark<'_>>, wanted: &Wanted<'p>, new_mark: &mut NewMark) {
        let own_env = self.env(wanted);
        let mut kept = Vec::new();
        let mut has_any = self.new_mounts(wanted).next().is_some();
        let mut own_mounts = self.container.volume_mounts.items.iter();
        has_any |= old
            .filter(|_| self.marked.is_some())
            .is_some_and(|mark| own_mounts.any(|own| mark.gave_mount(own)));
        let both = own_env.iter().zip(&wanted.env).enumerate();
        for (index, (new, usual)) in both.filter(|(_, (new, _))| tells(new)) {
            // What a variable says of another directory is not what the mark says.
            let is_ours = new.value == usual.value
                && (self.lacks_env.has(index)
                    || self.renews(new.name)
                    || self.was_given(old, new.name));
            if is_ours {
                has_any = true;
            } else {
                kept.push(new.name);
            }
        }
        if has_any {
            new_mark.add(&self.container.name, &kept);
        }
    }

    /// Finds the mounts that were injected, and are not where the token goes.
    #[inline(never)]
    fn find_outdated_mounts(&mut self, pod: InjectedPod<'p, 'a>, wanted: &Wanted<'p>) {
        let Some(mark) = pod.review.renewed_mark() else {
            return;
        };
        let own = self.container.volume_mounts.items.iter().enumerate();
        let outdated = own.filter(|(_, own)| {
            mark.gave_mount(own)
                && mark.has_volume(&own.name)
                && !wanted.has_mount(&own.name, &own.mount_path)
        });
        let outdated: Vec<_> = outdated.map(|(index, _)| index).take(MOST).collect();
        if !outdated.is_empty() {
            self.more.get_or_insert_default().outdated_mounts = outdated;
        }
    }

    /// Finds the variables that were injected, and are not what the identity says. If the pod is not changed, they are added to
    /// the findings.
    #[inline(never)]
    fn find_outdated_env(
        &mut self,
        pod: InjectedPod<'p, 'a>,
        marked: usize,
        wanted: &Wanted<'p>,
        findings: &mut Findings,
    ) -> Vec<&'p str> {
        let mut names = Vec::new();
        let Some(mark) = pod.review.mark else {
            return names;
        };
        let env = self.env(wanted);
        for (index, own) in self.container.env.items.iter().enumerate() {
            let new = env.iter().find(|new| new.name == own.name);
            // Of two with one name, the last one counts.
            let counts = || self.container.env_var(&own.name) == Some(own);
            if !mark.gave_env(marked, own)
                || !counts()
                || new.is_some_and(|new| own.value().is_some_and(|own| new.is_said_by(&own)))
            {
                continue;
            }
            names.push(&*own.name);
            if names.len() >= MOST {
                break;
            }
            match pod.review.purpose {
                Purpose::Inject => {
                    let more = self.more.get_or_insert_default();
                    more.outdated_env.push((index, new.map(|new| new.name)));
                }
                // Another layout is not another identity.
                Purpose::Verify {
                    on_drift: Some(severity),
                } if new.is_none_or(|new| new.part != Some(IdentityPart::TokenFile)) => {
                    let problem = || Problem::Drifted {
                        env: Excerpt::new(&own.name),
                        found: Excerpt::new(&own.value().unwrap_or_default()),
                        expected: new.map(|new| Excerpt::new(&new.value)),
                    };
                    findings.add_with(
                        &pod.container(self.place, self.container),
                        severity,
                        problem,
                    );
                }
                _ => {
                    names.pop();
                }
            }
        }
        names
    }
}
