/** Words that names are made up from. */

const words = (text: string): readonly string[] => text.split(/\s+/).filter(Boolean)

export const ADJECTIVES = words(`
  amber ample azure balmy bold brave breezy bright brisk calm candid clever cobalt copper coral cosy crisp daring deft
  eager early earnest fair fleet fond frank fresh gentle glad golden grand handy hardy honest humble jolly keen kind
  lively loyal lucid lunar mellow merry mild misty modest neat nimble noble open patient placid plain polite proud prompt
  quick quiet rapid ready robust rosy royal rustic sable serene sharp shiny silent silver smooth snug solid spry stable
  steady still stout sturdy subtle sunny swift tidal tidy trim true upbeat vivid warm wary whole witty zesty
`)

export const NOUNS = words(`
  anchor anvil arch atoll badger barge basin beacon bison bough bridge brook buoy cabin canyon cape cedar cliff clover
  comet cove crane creek dale delta dock dune eagle ember falcon fern ferry finch fjord forge fox gable garnet glacier
  glade grove gull harbor hawk hazel heron hollow inlet iris island jetty juniper keel kestrel kite lagoon lantern larch
  ledge lichen lynx maple marsh marten meadow mesa mole moor moss oak orchard osprey otter owl pebble pier pine plover
  pond poplar quarry quay raven reef ridge river robin rook rowan sail sandbar shoal shore sparrow spruce stone stork
  summit swan tarn thistle thrush tide trout tundra vale wharf willow wren yarrow
`)
