// ltijs as its documentation shows it, with its PostgreSQL plugin, and nothing more.
//   node peer.js PORT STUB_URL POSTGRESQL_URL
const [port, stub, database] = process.argv.slice(2)
const lti = require('ltijs').Provider
const Database = require('ltijs-sequelize')

const address = new URL(database)
const store = new Database(
  address.pathname.slice(1),
  decodeURIComponent(address.username),
  decodeURIComponent(address.password),
  {
    host: address.hostname,
    port: Number(address.port || 5432),
    dialect: 'postgres',
    logging: false
  }
)

async function main () {
  lti.setup('a key that only benchmarks use', { plugin: store }, {
    appRoute: '/',
    loginRoute: '/login',
    cookies: { secure: false, sameSite: '' }
  })
  lti.onConnect((token, req, res) => res.send('ok'))
  await lti.deploy({ port: Number(port), silent: true })
  await lti.registerPlatform({
    url: 'https://platform.bench',
    name: 'Bench',
    clientId: 'bench',
    authenticationEndpoint: `${stub}/auth`,
    accesstokenEndpoint: `${stub}/token`,
    authConfig: { method: 'JWK_SET', key: `${stub}/jwks` }
  })
  console.log('ready')
}

main()
